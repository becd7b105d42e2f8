"""Hooks of flows and tasks run once, with the state that caused them."""

from prefect import flow, task
from seen import api, equal, flow_run, task_run

seen = []


def note(kind):
    def hook(it, run, state):
        seen.append((kind, it.name, state.name))

    return hook


@task(on_completion=[note("task done")], on_failure=[note("task failed")], on_running=[note("task runs")])
def task_with_hooks(good):
    if not good:
        raise ValueError


@flow(
    on_running=[note("flow runs")],
    on_completion=[note("flow done")],
    on_failure=[note("flow failed")],
    on_crashed=[note("flow crashed")],
)
def flow_with_hooks(good):
    task_with_hooks(good)


flow_with_hooks(True)
equal(seen, [
    ("flow runs", "flow-with-hooks", "Running"),
    ("task runs", "task_with_hooks", "Running"),
    ("task done", "task_with_hooks", "Completed"),
    ("flow done", "flow-with-hooks", "Completed"),
])
seen.clear()
state = flow_with_hooks(False, return_state=True)
equal([s[0] for s in seen], ["flow runs", "task runs", "task failed", "flow failed"])
equal(flow_run(state).state.name, "Failed")
equal(task_run(flow_run(state).id, "task_with_hooks").state.name, "Failed")
