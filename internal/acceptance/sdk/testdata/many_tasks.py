"""Five hundred task runs: none is lost, none is seen twice."""

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
from seen import equal, flow_run, task_runs

COUNT = 500


@task(task_run_name="square {n}")
def square(n):
    return n * n


@flow(task_runner=ThreadPoolTaskRunner(max_workers=16))
def squares():
    return sum(square.map(range(COUNT)).result())


state = squares(return_state=True)
equal(state.result(), sum(n * n for n in range(COUNT)))
runs = task_runs(flow_run(state).id, count=COUNT)
equal({r.name for r in runs}, {f"square {n}" for n in range(COUNT)})
equal({(r.state.name, r.run_count) for r in runs}, {("Completed", 1)})
