"""Events: what runs emit by themselves, what a script emits, and listening."""

import asyncio
from datetime import datetime, timedelta, timezone
from uuid import uuid4

from prefect import flow, task
from prefect.events import emit_event
from prefect.events.clients import get_events_client, get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.events.schemas.events import Event, Resource
from seen import api, equal, eventually, flow_run

mark = uuid4().hex[:8]


@task
def works():
    emit_event(
        f"thing.{mark}.made", resource={"prefect.resource.id": f"thing.{mark}"}, payload={"n": 1}
    )


@flow
def emits():
    works()


run = flow_run(emits(return_state=True))


def events(**criteria):
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    body = {"filter": {"occurred": {"since": since.isoformat()}, "order": "ASC", **criteria}, "limit": 50}
    return api._client.post("/events/filter", json=body).json()


def own():
    page = events(event={"name": [f"thing.{mark}.made"]})
    equal(page["total"], 1)
    return page["events"][0]


made = eventually(own)
equal((made["resource"], made["payload"]), ({"prefect.resource.id": f"thing.{mark}"}, {"n": 1}))
roles = {r["prefect.resource.role"]: r["prefect.resource.id"] for r in made["related"]}
equal(roles["flow-run"], f"prefect.flow-run.{run.id}")
assert roles["task-run"].startswith("prefect.task-run."), roles
assert roles["flow"].startswith("prefect.flow."), roles


def lifecycle():
    page = events(
        event={"prefix": ["prefect.flow-run."]}, resource={"id": [f"prefect.flow-run.{run.id}"]}
    )
    found = [e for e in page["events"] if e["event"] != "prefect.flow-run.heartbeat"]
    names = [e["event"].removeprefix("prefect.flow-run.") for e in found]
    equal(names, ["Pending", "Running", "Completed"])
    return found


pending, running, completed = eventually(lifecycle)
equal(running["follows"], pending["id"])
equal(completed["payload"]["intended"], {"from": "RUNNING", "to": "COMPLETED"})
equal(completed["resource"]["prefect.state-type"], "COMPLETED")
equal(completed["resource"]["prefect.resource.name"], run.name)


async def listen():
    """What is emitted while somebody listens arrives there, and only that."""
    only = EventFilter(
        event=EventNameFilter(prefix=[f"ping.{mark}"]),
        resource=EventResourceFilter(id=[f"wanted.{mark}"]),
    )
    async with get_events_subscriber(filter=only) as heard, get_events_client() as out:
        for n, resource in enumerate(["wanted", "other", "wanted"]):
            await out.emit(Event(
                event=f"ping.{mark}.{n}",
                resource=Resource({"prefect.resource.id": f"{resource}.{mark}"}),
            ))
        names = [(await asyncio.wait_for(anext(heard), 20)).event for _ in range(2)]
    equal(names, [f"ping.{mark}.0", f"ping.{mark}.2"])


asyncio.run(listen())

counts = api._client.post("/events/count-by/event", json={
    "filter": {
        "occurred": {"since": (datetime.now(timezone.utc) - timedelta(hours=1)).isoformat()},
        "event": {"prefix": [f"ping.{mark}"]},
    },
    "time_unit": "day", "time_interval": 1,
})


def counted():
    page = events(event={"prefix": [f"ping.{mark}"]})
    equal([e["event"] for e in page["events"]], [f"ping.{mark}.{n}" for n in range(3)])


eventually(counted)
equal(counts.status_code, 200)
