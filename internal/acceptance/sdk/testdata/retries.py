"""Retries of tasks and of flows, with and without delays and conditions."""

from prefect import flow, task
from seen import equal, flow_run, flow_states, task_run, task_states

tries = {}


def fail_until(name, good):
    tries[name] = tries.get(name, 0) + 1
    if tries[name] < good:
        raise ValueError(f"try {tries[name]}")
    return tries[name]


@task(retries=2, retry_delay_seconds=[0.2, 0.4])
def waits():
    return fail_until("waits", 3)


@task(retries=3)
def at_once():
    return fail_until("at_once", 2)


@task(retries=1)
def hopeless():
    return fail_until("hopeless", 9)


@task(retries=5, retry_condition_fn=lambda task, run, state: False)
def refuses():
    return fail_until("refuses", 9)


@flow
def task_retries():
    futures = [waits.submit(), at_once.submit()]
    for f in (hopeless, refuses):
        f(return_state=True)
    return [f.result() for f in futures]


state = task_retries(return_state=True)
equal((state.name, state.result()), ("Completed", [3, 2]))
run = flow_run(state)

slow = task_run(run.id, "waits")
equal((slow.state.name, slow.run_count), ("Completed", 3))
equal(slow.empirical_policy.retries, 2)
equal(slow.empirical_policy.retry_delay, [0.2, 0.4])
task_states(slow.id, "Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed")
assert (slow.end_time - slow.start_time).total_seconds() >= 0.6, slow

quick = task_run(run.id, "at_once")
equal((quick.state.name, quick.run_count), ("Completed", 2))
task_states(quick.id, "Pending", "Running", "Retrying", "Completed")

lost = task_run(run.id, "hopeless")
equal((lost.state.name, lost.run_count), ("Failed", 2))
task_states(lost.id, "Pending", "Running", "Retrying", "Failed")

refused = task_run(run.id, "refuses")
equal((refused.state.name, refused.run_count), ("Failed", 1))


@task
def counted():
    return fail_until("counted", 1)


@flow(retries=2, retry_delay_seconds=0.3)
def flow_retries():
    counted()
    return fail_until("flow", 3)


state = flow_retries(return_state=True)
equal((state.name, state.result()), ("Completed", 3))
run = flow_run(state)
equal(run.run_count, 3)
equal(run.empirical_policy.retries, 2)
equal(flow_states(run.id), [
    "Pending", "Running", "AwaitingRetry", "Running", "AwaitingRetry", "Running", "Completed",
])


@flow(retries=1)
def flow_gives_up():
    fail_until("flow_gives_up", 9)


run = flow_run(flow_gives_up(return_state=True))
equal((run.state.name, run.run_count), ("Failed", 2))
