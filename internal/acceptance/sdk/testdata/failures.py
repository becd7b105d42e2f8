"""Every way a flow or task ends that is not a plain success."""

from prefect import flow, task
from prefect.client.schemas.filters import FlowFilter
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import FailedRun
from prefect.states import Cancelled, Completed, Failed
from seen import api, equal, flow_run, flow_states, task_run, task_states


@task
def breaks():
    raise ValueError("no luck")


@task
def depends(_):
    return "never"


@flow
def task_breaks():
    broken = breaks.submit()
    depends.submit(broken).wait()
    return broken


state = task_breaks(return_state=True)
equal(state.type.value, "FAILED")
run = flow_run(state)
equal(flow_states(run.id), ["Pending", "Running", "Failed"])
broken = task_run(run.id, "breaks")
equal((broken.state.name, broken.run_count), ("Failed", 1))
assert "ValueError: no luck" in broken.state.message, broken.state
task_states(broken.id, "Pending", "Running", "Failed")
skipped = task_run(run.id, "depends", final=False)
task_states(skipped.id, "Pending", "NotReady")
equal((skipped.state.type.value, skipped.run_count), ("PENDING", 0))


@flow
def raises():
    raise RuntimeError("out of luck")


state = raises(return_state=True)
run = flow_run(state)
equal((run.state.name, run.run_count), ("Failed", 1))
assert "RuntimeError: out of luck" in run.state.message, run.state
try:
    raises()
except RuntimeError as e:
    equal(str(e), "out of luck")
else:
    raise AssertionError("the error of the flow did not reach its caller")


@flow
def returns(what):
    return {
        "failed": Failed(message="said so"),
        "named": Completed(name="Skipped", message="nothing to do"),
        "cancelled": Cancelled(message="enough"),
    }[what]


for what, name, kind, message in [
    ("failed", "Failed", "FAILED", "said so"),
    ("named", "Skipped", "COMPLETED", "nothing to do"),
    ("cancelled", "Cancelled", "CANCELLED", "enough"),
]:
    run = flow_run(returns(what, return_state=True))
    equal((run.state.name, run.state.type.value, run.state.message), (name, kind, message))

try:
    returns("failed")
except FailedRun as e:
    equal(str(e), "said so")
else:
    raise AssertionError("a returned failure did not reach the caller")


@flow
def crashes():
    raise KeyboardInterrupt


try:
    crashes()
except KeyboardInterrupt:
    run = api.read_flow_runs(
        flow_filter=FlowFilter(name={"any_": ["crashes"]}), sort=FlowRunSort.START_TIME_DESC
    )[0]
    equal((run.state.name, run.state.type.value), ("Crashed", "CRASHED"))
    equal(flow_states(run.id), ["Pending", "Running", "Crashed"])
else:
    raise AssertionError("an interrupt ended in the flow")
