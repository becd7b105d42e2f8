"""Flows called by flows: both runs, and the task run that stands between."""

from prefect import flow, task
from prefect.client.schemas.filters import FlowRunFilter
from seen import api, equal, flow_run, flow_states, task_run, task_runs


@task
def double(x):
    return {"n": 2 * x}


@flow
def grandchild(x):
    return double(x["n"])["n"]


@flow
def child(x):
    return grandchild(x) + 1


@flow
def parent():
    seven = child(double(3))
    broken = fails(return_state=True)
    return seven, broken.name


@flow
def fails():
    raise ValueError("in the child")


state = parent(return_state=True)
run = flow_run(state)
equal((state.name, state.result()), ("Completed", (13, "Failed")))
equal(flow_states(run.id), ["Pending", "Running", "Completed"])
equal(len(task_runs(run.id, count=3)), 3)


def child_of(parent_run, name):
    """The flow run below parent_run whose tracking task run has the name."""
    between = task_run(parent_run.id, name)
    found = api.read_flow_runs(
        flow_run_filter=FlowRunFilter(parent_task_run_id={"any_": [between.id]})
    )
    equal(len(found), 1)
    return between, found[0]


tracking, middle = child_of(run, "child")
equal((tracking.state.name, tracking.state.type.value), ("Completed", "COMPLETED"))
equal(tracking.state.state_details.child_flow_run_id, middle.id)
equal(middle.parameters, {"x": {"n": 6}})
equal([i.id for i in tracking.task_inputs["x"]], [task_run(run.id, "double").id])
equal(flow_states(middle.id), ["Pending", "Running", "Completed"])

_, lowest = child_of(middle, "grandchild")
equal(lowest.state.name, "Completed")
equal(task_run(lowest.id, "double").state.name, "Completed")

tracking, below = child_of(run, "fails")
equal((tracking.state.name, below.state.name), ("Failed", "Failed"))
assert "in the child" in below.state.message, below.state

roots = api.read_flow_runs(
    flow_run_filter=FlowRunFilter(
        id={"any_": [run.id, below.id, lowest.id]}, parent_task_run_id={"is_null_": True}
    )
)
equal([r.id for r in roots], [run.id])
below_run = api.read_flow_runs(
    flow_run_filter=FlowRunFilter(parent_flow_run_id={"any_": [run.id]})
)
equal({r.name for r in below_run}, {below.name, middle.name})
