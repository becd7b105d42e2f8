#!/usr/bin/env python3
"""Record what the reference's actions make of templates.

    PYTHON_WITH_THE_REFERENCE record.py

It renders the templates below for one triggered action and writes vectors.json next to itself.
"""

import asyncio
import copy
import json
import os
import pathlib
import tempfile

HERE = pathlib.Path(__file__).parent
os.environ |= {
    "PREFECT_HOME": tempfile.mkdtemp(),
    "PREFECT_UI_URL": "http://ui.example",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
}

from prefect.server.events.actions import ActionFailed, SendNotification  # noqa: E402
from prefect.server.events.schemas.automations import TriggeredAction  # noqa: E402

ID = "00000000-0000-4000-8000-00000000000{}"
EVENT = {
    "id": ID.format(1),
    "occurred": "2026-03-02T12:00:01.500000Z",
    "received": "2026-03-02T12:00:02Z",
    "event": "thing.done",
    "resource": {"prefect.resource.id": "prefect.flow-run." + ID.format(2), "prefect.resource.name": "run", "color": "red", "a.b": "c"},
    "related": [
        {"prefect.resource.id": "prefect.flow." + ID.format(3), "prefect.resource.role": "flow", "prefect.resource.name": "f"},
        {"prefect.resource.id": "prefect.tag.one", "prefect.resource.role": "tag"},
        {"prefect.resource.id": "prefect.tag.two", "prefect.resource.role": "tag"},
        {"prefect.resource.id": "prefect.work-pool." + ID.format(4), "prefect.resource.role": "work-pool", "prefect.resource.name": "p"},
    ],
    "payload": {"n": 3, "list": [1, "two"], "items": {"x": None}, "when": "2026-01-01T00:00:00Z", "html": "<b>&</b>"},
    "follows": None,
}
TRIGGER = {"type": "event", "id": ID.format(5), "posture": "Reactive", "expect": ["thing.done"], "for_each": ["prefect.resource.id"], "within": 30}
AUTOMATION = {
    "id": ID.format(6), "created": "2026-03-01T00:00:00Z", "updated": "2026-03-01T10:00:00Z", "name": "A & B", "description": "about",
    "enabled": True, "tags": ["t"], "trigger": TRIGGER, "actions": [{"type": "do-nothing"}], "actions_on_trigger": [], "actions_on_resolve": [],
}  # fmt: skip
FIRING = {
    "id": ID.format(7), "trigger": TRIGGER, "trigger_states": ["Triggered"], "triggered": "2026-03-02T12:00:03Z",
    "triggering_labels": {"color": "red", "prefect.resource.id": EVENT["resource"]["prefect.resource.id"]},
    "triggering_firings": [], "triggering_event": EVENT, "triggering_value": None,
}  # fmt: skip
CHILD = FIRING | {"id": ID.format(8)}
EXPRESSIONS = """
automation.name automation.id automation.description automation.enabled automation.tags automation.created automation.created.year
automation.actions|length automation|ui_url automation|ui_resource_events_url
automation.trigger.type automation.nope event.event event.id event.occurred event.occurred.isoformat() event.received event.follows
event.occurred.strftime('%H:%M') event.payload event.payload.n event.payload['list'] event.payload.list[1].upper() event.payload.when
event.payload.get('n') event.payload.nope.deeper event.payload.html event.payload|tojson event.url event|ui_url event.resource.id
event.resource.name event.resource['color'] event.resource.color event.resource['a.b'] event.resource.nope event.resource.role
event.resource.labels.prefect.resource.id event.resource.labels.color event.resource.labels.a.b event.resource.labels.a
event.resource.labels['prefect.resource.name'] event.resource.get('color') event.resource.get('nope','else') event.resource|ui_url
event.resource|ui_resource_events_url event.resource|tojson event.related|length event.related[0].role event.related[0].name
event.related[1].name event.related[3]|ui_url event.related[1]|ui_url event.related[0]|ui_resource_events_url
event.related|map(attribute='role')|join(',') event.related|selectattr('role','equalto','tag')|map(attribute='id')|join(',')
event.resource_in_role.flow.name event.resource_in_role['tag'].id event.resource_in_role.nope.id event.resources_in_role.tag|length
event.resources_in_role['tag'][1].id labels.prefect.resource.id labels.color labels['color'] labels.nope labels
firing.id firing.triggered firing.triggering_labels firing.trigger.type firing.triggering_event.event firings|length firings[1].id
events|length events[0].event events[1].resource.name flow_run.name flow.name variables.x event.resource.id|flow_run_id
'see/flow-run/00000000-0000-4000-8000-000000000002?x'|flow_run_id event.related|tojson event.id|string|length
""".split()
TEMPLATES = ["{{ " + e.replace("~", " ") + " }}" for e in EXPRESSIONS] + [
    "plain", "{% for r in event.related %}{{ r.role }}={{ r.id }};{% endfor %}", "{% if event.payload.n > 2 %}many{% endif %}",
    "{{ event.payload.n + event.payload.list[0] }}", "{{ event.resource.id.split('.')[1] }}", "{{ event.payload.n / 0 }}",
    "{% for k in event.payload %}{{ k }},{% endfor %}", "{{ 'x' if event.follows is none else 'y' }}",
]  # fmt: skip


async def main():
    out = []
    firing = FIRING | {"triggering_firings": [CHILD]}
    for template in TEMPLATES:
        action = SendNotification(block_document_id=ID.format(9), body="b")
        triggered = TriggeredAction.model_validate(
            copy.deepcopy({
                "automation": AUTOMATION, "firing": firing, "triggered": firing["triggered"],
                "triggering_labels": firing["triggering_labels"], "triggering_event": EVENT, "action": action,
            })
        )  # fmt: skip

        async def nothing(*_):
            return {"flow_run": None, "flow": None, "variables": {"x": 1}}

        type(action)._relevant_native_objects = nothing
        try:
            (text,) = await action._render([template], triggered)
            out.append([template, text])
        except ActionFailed as failed:
            out.append([template, None, failed.reason])
    record = {"automation": AUTOMATION, "event": EVENT, "firing": firing, "vectors": out}
    (HERE / "vectors.json").write_text(json.dumps(record, indent=1) + "\n")


asyncio.run(main())
