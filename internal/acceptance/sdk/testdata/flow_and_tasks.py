"""A flow with tasks: what a call returns, and what the server shows of it."""

from prefect import flow, tags, task, unmapped
from prefect.runtime import flow_run as runtime
from seen import equal, flow_run, flow_states, task_run, task_runs, task_states


@task
def one():
    return 1


@task(task_run_name="add {a} and {b}", tags=["math"])
def add(a, b):
    return a + b


@task
def total(numbers):
    return sum(numbers)


@flow(name="flow and tasks", flow_run_name="sum to {n}", version="v7", description="adds")
def adds(n: int):
    first = one.submit()
    second = add.submit(first, 1)
    mapped = add.map(range(n), unmapped(10), wait_for=[second])
    with tags("late"):
        summed = total(mapped)
    return {"sum": summed, "second": second.result(), "name": runtime.name}


with tags("outer"):
    state = adds(3, return_state=True)

equal(state.name, "Completed")
equal(state.result(), {"sum": 33, "second": 2, "name": "sum to 3"})

run = flow_run(state)
equal(run.name, "sum to 3")
equal(run.parameters, {"n": 3})
equal(run.flow_version, "v7")
equal(run.tags, ["outer"])
equal(run.run_count, 1)
equal(run.state_type.value, "COMPLETED")
equal(run.state.id, state.id)
assert run.start_time <= run.end_time, run
assert run.total_run_time.total_seconds() > 0, run
assert run.deployment_id is None and run.parent_task_run_id is None, run
equal(flow_states(run.id), ["Pending", "Running", "Completed"])

runs = task_runs(run.id, count=6)
equal({r.state.name for r in runs}, {"Completed"})
equal({r.run_count for r in runs}, {1})
equal({r.flow_run_run_count for r in runs}, {1})
equal(sorted(r.name.split("-")[0] for r in runs), sorted(
    ["one", "add 1 and 1", "add 0 and 10", "add 1 and 10", "add 2 and 10", "total"]
))
for r in runs:
    task_states(r.id, "Pending", "Running", "Completed")
    assert r.start_time <= r.end_time and r.total_run_time.total_seconds() >= 0, r
    assert r.task_key.split("-")[0] in ("one", "add", "total"), r.task_key

first = task_run(run.id, "one")
second = task_run(run.id, "add 1 and 1")
equal([i.id for i in second.task_inputs["a"]], [first.id])
equal(second.task_inputs["b"], [])
equal(sorted(second.tags), ["math", "outer"])
mapped = [r for r in runs if r.name.endswith("and 10")]
for r in mapped:
    equal([i.id for i in r.task_inputs["wait_for"]], [second.id])
equal(len({r.dynamic_key for r in mapped}), 3)
last = task_run(run.id, "total")
equal(sorted(last.tags), ["late", "outer"])
equal({i.id for i in last.task_inputs["numbers"]}, {r.id for r in mapped})
