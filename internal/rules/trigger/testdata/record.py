#!/usr/bin/env python3
"""Record what the reference's triggers make of generated streams of events.

    PYTHON_WITH_THE_REFERENCE record.py

draws automations and streams of events, evaluates them with the reference's own code on a
database of its own, and writes streams.json.gz and names.json.gz next to itself. A stream
is an automation's trigger and steps: an event at a time, or a proactive turn at a time. The
answer of each step is which triggers of which automation fired. Where one of the
reference's two defects matters that we mend (see the package's documentation), it is mended
in the reference too, and the stream says so.
"""

import asyncio
import copy
import datetime as dt
import gzip
import json
import os
import pathlib
import random
import tempfile
import uuid

HERE = pathlib.Path(__file__).parent
home = tempfile.mkdtemp()
os.environ |= {
    "PREFECT_HOME": home,
    "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/p.db",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_LEVEL": "ERROR",
}

from prefect.server.database import provide_database_interface  # noqa: E402
from prefect.server.events import triggers  # noqa: E402
from prefect.server.events.ordering import PRECEDING_EVENT_LOOKBACK  # noqa: E402
from prefect.server.events.schemas import events as schema  # noqa: E402
from prefect.server.events.schemas.automations import Automation, EventTrigger  # noqa: E402
from prefect.types._datetime import create_datetime_instance  # noqa: E402

START = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.timezone.utc)
NAMES = ["a.x", "a.y", "a", "b.x", "b.y", "c"]
PATTERNS = [*NAMES, "a.*", "b.*", "*", "a*", "*.x", "!a.x", "[ab].x", "a.?"]
IDS = ["r.1", "r.2", "s.1"]


class Clock:
    now = START


def at(seconds):
    return create_datetime_instance(START + dt.timedelta(seconds=seconds))


def labels(rng):
    if rng.random() < 0.55:
        return {}
    out = {}
    for label in rng.sample(["prefect.resource.id", "color", "size", "none"], rng.randint(1, 2)):
        pool = {
            "prefect.resource.id": ["r.*", "r.1", "!r.1", "s.*", "*"],
            "color": ["red", "!red", "b*", "*"],
            "size": ["1", "2", "!1"],
            "none": ["!x", "*"] if rng.random() < 0.3 else ["x"],
        }[label]
        out[label] = rng.choice(pool) if rng.random() < 0.6 else rng.sample(pool, rng.randint(0, min(2, len(pool))))
    return out


def event_trigger(rng, nested):
    posture = "Proactive" if rng.random() < 0.4 else "Reactive"
    within = rng.choice([0, 0, 10, 30, 60]) if posture == "Reactive" else rng.choice([10, 15, 30])
    names = lambda most: rng.sample(NAMES if rng.random() < 0.6 else PATTERNS, rng.randint(0, most))  # noqa: E731
    expect = names(2)
    after = names(2) if rng.random() < 0.4 else []
    if rng.random() < 0.15:
        after = list(expect)
    related = labels(rng)
    if rng.random() < 0.2:
        related = [labels(rng) for _ in range(rng.randint(0, 2))]
    keys = ["prefect.resource.id", "color", "related:flow:prefect.resource.id", "related:flow:color", "related:none:x"]
    return {
        "type": "event", "posture": posture, "within": within,
        "threshold": rng.choice([1, 1, 1, 2, 3, 0]), "expect": expect, "after": after,
        "for_each": rng.sample(keys, rng.choice([0, 0, 0, 1, 1, 2])),
        "match": labels(rng) if not nested else {}, "match_related": related if not nested else {},
    }  # fmt: skip


def trigger(rng, depth=0):
    if depth >= 2 or rng.random() < 0.6 + 0.2 * depth:
        return event_trigger(rng, depth > 0)
    kind = rng.choice(["compound", "sequence"])
    out = {
        "type": kind,
        "triggers": [trigger(rng, depth + 1) for _ in range(rng.randint(1, 3))],
        "within": rng.choice([None, None, 10.3, 40.3, 100.3]),
    }
    if kind == "compound":
        out["require"] = rng.choice(["any", "all", "all", rng.randint(1, len(out["triggers"]))])
    return out


def resource(rng):
    out = {"prefect.resource.id": rng.choice(IDS)}
    for label, values in {"color": ["red", "blue"], "size": ["1", "2"]}.items():
        if rng.random() < 0.6:
            out[label] = rng.choice(values)
    return out


def steps(rng, name_pool):
    seconds, out = 0.0, []
    for _ in range(rng.randint(8, 30)):
        seconds += rng.choice([0, 0.5, 1, 3, 7, 10, 12, 31])
        if rng.random() < 0.3:
            out.append({"turn": seconds})
            continue
        occurred = seconds - (rng.choice([0.25, 2, 8, 20, 1000]) if rng.random() < 0.15 else 0)
        occurred += rng.choice([15, 60]) if rng.random() < 0.05 else 0
        related = []
        for role in rng.sample(["flow", "flow", "tag", "none"], rng.randint(0, 3)):
            related.append(resource(rng) | {"prefect.resource.role": role})
        out.append({"now": seconds, "occurred": occurred, "event": rng.choice(name_pool), "resource": resource(rng), "related": related})
    return out


def numbered(automation):
    return {t.id: i for i, t in enumerate(automation.trigger.all_triggers())}


async def run(spec, stream):
    """Evaluate one stream; answers are per step lists of what fired."""
    automation = Automation.model_validate({"name": "a", "id": str(uuid.uuid4()), "trigger": copy.deepcopy(spec), "actions": []})
    db = provide_database_interface()
    async with db.session_context(begin_transaction=True) as session:
        row = automation.model_dump()
        session.add(db.Automation(**{k: row[k] for k in ("id", "name", "description", "enabled", "trigger", "actions")}))
    triggers.clear_loaded_automations()
    triggers.load_automation(automation)
    numbers, fired, ids = numbered(automation), [], {}

    async def act(firing):
        fired.append(describe(firing))

    def describe(f):
        out = {"t": numbers[f.trigger.id]}
        if f.triggering_labels:
            out["labels"] = dict(sorted(f.triggering_labels.items()))
        if f.triggering_event:
            out["event"] = ids[f.triggering_event.id]
        if f.triggering_firings:
            out["of"] = sorted((describe(c) for c in f.triggering_firings), key=lambda c: c["t"])
        return out

    mended = is_mended(spec)
    triggers.ensure_bucket = ensure_when_armed if mended else ensure
    triggers.remove_buckets_exceeding_threshold = forget_when_armed if mended else forget
    triggers.act = act
    Clock.now = START
    for number, step in enumerate(stream):
        fired.clear()
        if "turn" in step:
            Clock.now = max(Clock.now, at(step["turn"]))
            step["next"] = []
            for t in automation.triggers_of_type(EventTrigger):
                if t.posture == "Proactive":
                    again = await triggers.proactive_evaluation(t, at(step["turn"]))
                    step["next"].append(round((again - START).total_seconds(), 6))
        else:
            Clock.now = max(Clock.now, at(step["now"]))
            event = schema.ReceivedEvent(
                id=uuid.uuid4(), occurred=at(step["occurred"]), received=at(step["now"]), event=step["event"],
                resource=step["resource"], related=step["related"],
            )  # fmt: skip
            ids[event.id] = number
            # one trigger after the other in the order of the tree, not in a set's
            for t in triggers.find_interested_triggers(event) and automation.triggers_of_type(EventTrigger):
                if t in triggers.find_interested_triggers(event):
                    await react_alone(t, event)
        if fired:
            step["fired"] = list(fired)
    return {"trigger": spec, "steps": stream, "mended": mended}


def is_mended(spec):
    """Whether a defect matters that we mend."""
    if spec["type"] != "event":
        return any(is_mended(t) for t in spec["triggers"])
    return spec["posture"] == "Proactive" and bool(spec["after"]) != bool(spec["for_each"])


ensure, forget = triggers.ensure_bucket, triggers.remove_buckets_exceeding_threshold


async def ensure_when_armed(session, trigger, *args, **options):
    if trigger.after and options["last_event"] is None:
        return None
    return await ensure(session, trigger, *args, **options)


async def forget_when_armed(session, trigger):
    if trigger.after or not trigger.for_each:
        await forget(session, trigger)


found = triggers.find_interested_triggers


async def react_alone(trigger, event):
    triggers.find_interested_triggers = lambda _: [trigger]
    try:
        await triggers.reactive_evaluation(event)
    finally:
        triggers.find_interested_triggers = found


class Unordered:
    """Ordering has tests of its own."""

    def preceding_event_confirmed(self, *_):
        import contextlib

        @contextlib.asynccontextmanager
        async def anything():
            yield

        return anything()


class FrozenTime:
    """prefect.types._datetime with a clock of ours, which ticks so that no two firings share a time."""

    def __init__(self, real):
        self._real = real

    def __getattr__(self, name):
        return getattr(self._real, name)

    def now(self, *_):
        Clock.now += dt.timedelta(microseconds=1)
        return create_datetime_instance(Clock.now)


async def no_offset():
    return 0.0


def names(rng):
    """Which patterns match which names, as the whole of fnmatch and the reference's extra rules have it."""
    out, alphabet = [], "ab.*?[]!-^\\"
    for _ in range(3000):
        pattern = "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 6)))
        value = "".join(rng.choice("ab.-^\\]!") for _ in range(rng.randint(1, 4)))
        t = EventTrigger.model_validate({"posture": "Reactive", "expect": [pattern]})
        event = schema.ReceivedEvent(
            id=uuid.uuid4(), occurred=START, event=value, resource={"prefect.resource.id": "x"}
        )  # fmt: skip
        out.append([pattern, value, schema.matches(pattern, value), t.covers(event)])
    return out


async def main():
    rng = random.Random(7)
    write("names", names(rng))
    await provide_database_interface().create_db()
    import prefect.types

    class Types:
        _datetime = FrozenTime(prefect.types._datetime)

    class Module:
        types = Types

    triggers.prefect = Module
    triggers.get_events_clock_offset = no_offset
    triggers.get_triggers_causal_ordering = Unordered
    assert PRECEDING_EVENT_LOOKBACK == dt.timedelta(minutes=15)
    out = []
    while len(out) < 700:
        spec = trigger(rng)
        pool = NAMES
        if wanted := [n for n in NAMES if f'"{n}"' in json.dumps(spec)]:
            pool = wanted * 3 + NAMES
        out.append(await run(spec, steps(rng, pool)))
    fired = sum(1 for s in out for step in s["steps"] if "fired" in step)
    print(len(out), "streams,", sum(len(s["steps"]) for s in out), "steps,", fired, "that fire")
    write("streams", out)


def write(name, value):
    with gzip.GzipFile(HERE / f"{name}.json.gz", "wb", mtime=0) as out:
        out.write(json.dumps(value, separators=(",", ":"), sort_keys=True).encode())


asyncio.run(main())
