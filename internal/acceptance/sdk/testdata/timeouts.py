"""Tasks and flows that take too long."""

import threading

from prefect import flow, task
from seen import equal, flow_run, flow_states, task_run, task_states


def linger():
    """Spend longer than any limit here, in steps that an alarm can interrupt."""
    for _ in range(300):
        threading.Event().wait(0.1)


@task(timeout_seconds=0.5)
def slow_task():
    linger()


@flow
def holds_slow_task():
    return slow_task(return_state=True).name


state = holds_slow_task(return_state=True)
equal(state.result(), "TimedOut")
late = task_run(flow_run(state).id, "slow_task")
equal((late.state.type.value, late.state.name), ("FAILED", "TimedOut"))
task_states(late.id, "Pending", "Running", "TimedOut")


@flow(timeout_seconds=0.5)
def slow_flow():
    linger()


state = slow_flow(return_state=True)
run = flow_run(state)
equal((run.state.type.value, run.state.name), ("FAILED", "TimedOut"))
assert "timeout" in run.state.message.lower(), run.state
equal(flow_states(run.id), ["Pending", "Running", "TimedOut"])
