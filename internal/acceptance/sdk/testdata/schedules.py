"""Deployments with schedules: the runs that the server plans by itself."""

from datetime import datetime, timedelta, timezone
from uuid import uuid4
from zoneinfo import ZoneInfo

from prefect import flow
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.client.schemas.sorting import FlowRunSort
from seen import api, equal, eventually

mark = uuid4().hex[:8]


@flow(name=f"planned-{mark}")
def planned(n: int = 0):
    pass


flow_id = api.create_flow(planned)


def deploy(name, *schedules, **more):
    return api.create_deployment(
        flow_id=flow_id,
        name=name,
        schedules=[{"active": True, **s} for s in schedules],
        parameter_openapi_schema={
            "type": "object", "properties": {"n": {"type": "integer", "default": 0}}
        },
        **more,
    )


def runs(deployment_id, least):
    def enough():
        found = api.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                deployment_id={"any_": [deployment_id]}, state={"type": {"any_": ["SCHEDULED"]}}
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        )
        assert len(found) >= least, len(found)
        return found

    return eventually(enough)


now = datetime.now(timezone.utc)
berlin = ZoneInfo("Europe/Berlin")
cron = deploy("cron", {"schedule": CronSchedule(cron="30 7 * * MON-FRI", timezone="Europe/Berlin")})
every = deploy("interval", {"schedule": IntervalSchedule(
    interval=timedelta(minutes=45), anchor_date=datetime(2026, 1, 1, 0, 10, tzinfo=timezone.utc)
)})
rule = deploy("rrule", {"schedule": RRuleSchedule(rrule="FREQ=DAILY;BYHOUR=6,18;BYMINUTE=15;BYSECOND=0")})

for run in runs(cron, 3):
    local = run.expected_start_time.astimezone(berlin)
    equal((local.hour, local.minute, local.second), (7, 30, 0))
    assert local.weekday() < 5, local
    assert run.expected_start_time > now, run
    equal((run.auto_scheduled, run.state.name), (True, "Scheduled"))
    equal(run.state.state_details.scheduled_time, run.expected_start_time)
    assert "auto-scheduled" in run.tags, run.tags
    equal(run.created_by.type, "SCHEDULE")

times = [r.expected_start_time for r in runs(every, 3)]
equal({(b - a).total_seconds() for a, b in zip(times, times[1:])}, {45 * 60.0})
equal(times[0].minute % 5, 0)

for run in runs(rule, 3):
    at = run.expected_start_time
    assert at.hour in (6, 18) and (at.minute, at.second) == (15, 0), at

# Each schedule may carry parameters and a slug of its own.
two = deploy(
    "two",
    {"schedule": CronSchedule(cron="0 0 * * *"), "parameters": {"n": 1}, "slug": "midnight"},
    {"schedule": CronSchedule(cron="0 12 * * *"), "parameters": {"n": 2}},
    parameters={"n": 5},
)
for run in runs(two, 6):
    equal(run.parameters, {"n": 1 if run.expected_start_time.hour == 0 else 2})
midnight, noon = sorted(api.read_deployment_schedules(two), key=lambda s: s.schedule.cron)
equal((midnight.slug, noon.slug), ("midnight", None))

# Planned runs go when their schedule does.
api.update_deployment_schedule(two, midnight.id, active=False)


def only_noon():
    equal({r.expected_start_time.hour for r in runs(two, 1)}, {12})


eventually(only_noon)
api.pause_deployment(two)
eventually(lambda: equal(runs(two, 0), []))
equal(api.read_deployment(two).paused, True)
api.resume_deployment(two)
eventually(only_noon)
api.delete_deployment(two)
eventually(lambda: equal(runs(two, 0), []))
