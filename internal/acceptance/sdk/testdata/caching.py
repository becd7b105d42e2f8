"""Results that are found again instead of computed."""

from datetime import timedelta

from prefect import flow, task
from prefect.cache_policies import INPUTS, NO_CACHE, TASK_SOURCE
from prefect.tasks import task_input_hash
from seen import equal, flow_run, task_run, task_runs, task_states

calls = []


@task(cache_policy=INPUTS, persist_result=True)
def by_inputs(x):
    calls.append(x)
    return x * 10


@task(cache_key_fn=task_input_hash, cache_expiration=timedelta(hours=1), persist_result=True)
def by_function(x):
    calls.append(x)
    return x + 1


@task(cache_policy=INPUTS + TASK_SOURCE, refresh_cache=True, persist_result=True)
def refreshed(x):
    calls.append(x)
    return x


@task(cache_policy=NO_CACHE)
def never(x):
    calls.append(x)
    return x


@flow
def uses(fn, times):
    return [fn(5) for _ in range(times)]


def check(fn, results, computed, names):
    calls.clear()
    state = uses(fn, len(results), return_state=True)
    equal(state.result(), results)
    equal(len(calls), computed)
    runs = task_runs(flow_run(state).id, count=len(results))
    equal([r.state.name for r in runs], names)
    for r in runs:
        task_states(r.id, "Pending", "Running", r.state.name)
    return runs


runs = check(by_inputs, [50, 50], 1, ["Completed", "Cached"])
equal(runs[1].state.type.value, "COMPLETED")
# A later run finds what an earlier one has left.
check(by_inputs, [50], 0, ["Cached"])
check(by_function, [6, 6], 1, ["Completed", "Cached"])
check(refreshed, [5, 5], 2, ["Completed", "Completed"])
check(never, [5, 5], 2, ["Completed", "Completed"])
