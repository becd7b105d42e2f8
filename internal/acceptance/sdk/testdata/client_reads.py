"""Reading runs back: filters, sorts, pages, counts, names, tags, deletion."""

from datetime import datetime, timedelta, timezone
from uuid import uuid4

from prefect import flow, tags, task
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
)
from prefect.client.schemas.sorting import FlowRunSort, TaskRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled
from seen import api, equal, eventually, flow_run, task_runs

mark = uuid4().hex


@task(task_run_name="t{n}")
def numbered(n):
    return n


@flow(name=f"reads-{mark}", flow_run_name="run-{n:02d}")
def reads(n: int):
    numbered.map(range(n)).wait()
    if n == 3:
        raise ValueError("three")


runs = []
for n in range(5):
    with tags(mark, "even" if n % 2 == 0 else "odd"):
        runs.append(flow_run(reads(n, return_state=True)))

mine = FlowFilter(name={"any_": [f"reads-{mark}"]})


def names(**criteria):
    sort = criteria.pop("sort", FlowRunSort.NAME_ASC)
    found = api.read_flow_runs(
        flow_filter=mine, flow_run_filter=FlowRunFilter(**criteria), sort=sort
    )
    return [int(r.name.removeprefix("run-")) for r in found]


equal(names(), [0, 1, 2, 3, 4])
equal(names(sort=FlowRunSort.NAME_DESC), [4, 3, 2, 1, 0])
equal(names(sort=FlowRunSort.START_TIME_ASC), [0, 1, 2, 3, 4])
equal(names(state={"type": {"any_": ["FAILED"]}}), [3])
equal(names(state={"name": {"not_any_": ["Failed"]}}), [0, 1, 2, 4])
equal(names(tags={"all_": [mark, "odd"]}), [1, 3])
equal(names(tags={"any_": ["even", "nobody"]}), [0, 2, 4])
equal(names(name={"like_": "UN-0"}), [0, 1, 2, 3, 4])
equal(names(name={"any_": ["run-02", "run-04"]}), [2, 4])
equal(names(id={"not_any_": [runs[0].id]}), [1, 2, 3, 4])
equal(names(start_time={"after_": runs[2].start_time}), [2, 3, 4])
equal(names(start_time={"before_": runs[2].start_time}), [0, 1, 2])
equal(names(deployment_id={"is_null_": False}), [])
equal(names(operator="or_", name={"any_": ["run-00"]}, state={"type": {"any_": ["FAILED"]}}), [0, 3])
equal(api.count_flow_runs(flow_filter=mine), 5)

page = api.read_flow_runs(flow_filter=mine, sort=FlowRunSort.NAME_ASC, limit=2, offset=3)
equal([r.name for r in page], ["run-03", "run-04"])

flow_, = api.read_flows(flow_filter=mine)
equal(api.read_flow(flow_.id).name, f"reads-{mark}")
equal({r.flow_id for r in runs}, {flow_.id})
equal(api.read_flow_by_name(f"reads-{mark}").id, flow_.id)

task_runs(runs[4].id, count=4)
found = api.read_task_runs(
    flow_run_filter=FlowRunFilter(id={"any_": [runs[4].id]}),
    task_run_filter=TaskRunFilter(name={"like_": "t"}, state={"type": {"any_": ["COMPLETED"]}}),
    sort=TaskRunSort.NAME_DESC,
    limit=3,
)
equal([t.name for t in found], ["t3", "t2", "t1"])
equal(api.read_task_run(found[0].id).name, "t3")

# What only the HTTP interface has.
http = api._client
graph = http.get(f"/flow_runs/{runs[4].id}/graph-v2").json()
equal(sorted(n["label"] for _, n in graph["nodes"]), ["t0", "t1", "t2", "t3"])
equal(len(graph["root_node_ids"]), 4)
until = datetime.now(timezone.utc) + timedelta(minutes=1)
history = http.post("/flow_runs/history", json={
    "history_start": (until - timedelta(hours=1)).isoformat(),
    "history_end": until.isoformat(),
    "history_interval_seconds": 3600,
    "flows": {"name": {"any_": [f"reads-{mark}"]}},
}).json()
equal(len(history), 1)
equal({s["state_name"]: s["count_runs"] for s in history[0]["states"]}, {"Completed": 4, "Failed": 1})
pages = http.post("/flow_runs/paginate", json={
    "flows": {"name": {"any_": [f"reads-{mark}"]}}, "limit": 2, "page": 3, "sort": "NAME_ASC",
}).json()
equal((pages["count"], pages["pages"], pages["page"]), (5, 3, 3))
equal([r["name"] for r in pages["results"]], ["run-04"])

# A run that nobody executes, changed and removed through the client.
later = datetime.now(timezone.utc) + timedelta(days=1)
planned = api.create_flow_run(reads, parameters={"n": 9}, tags=["x"], state=Scheduled(scheduled_time=later))
planned = api.read_flow_run(planned.id)
equal((planned.state.name, planned.state.state_details.scheduled_time), ("Scheduled", later))
equal(planned.expected_start_time, later)
api.update_flow_run(planned.id, name="renamed", tags=["y", "z"])
planned = api.read_flow_run(planned.id)
equal((planned.name, sorted(planned.tags), planned.parameters), ("renamed", ["y", "z"], {"n": 9}))
api.update_flow_run_labels(planned.id, {"team": "a"})
equal(api.read_flow_run(planned.id).labels["team"], "a")
api.delete_flow_run(planned.id)
for gone in (planned.id, uuid4()):
    try:
        api.read_flow_run(gone)
    except ObjectNotFound:
        continue
    raise AssertionError(f"flow run {gone} was found")
