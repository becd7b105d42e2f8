"""A flow that goes on while its server is away for a moment: nothing is lost.

The file "halfway" says when the moment has come.
"""

import threading
from pathlib import Path

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
from seen import equal, flow_run, flow_states, log_messages, task_runs

COUNT = 40


@task(task_run_name="step {n}", log_prints=True)
def step(n):
    threading.Event().wait(0.2)
    if n == COUNT // 3:
        Path("halfway").touch()
    print(f"did {n}")
    return n


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2), log_prints=True)
def goes_on():
    print("begin")
    done = sum(step.map(range(COUNT)).result())
    print("end")
    return done


state = goes_on(return_state=True)
equal((state.name, state.result()), ("Completed", sum(range(COUNT))))
run = flow_run(state)
equal(flow_states(run.id), ["Pending", "Running", "Completed"])
runs = task_runs(run.id, count=COUNT)
equal({r.name for r in runs}, {f"step {n}" for n in range(COUNT)})
equal({(r.state.name, r.run_count) for r in runs}, {("Completed", 1)})
log_messages(run.id, "begin", "end", *[f"did {n}" for n in range(COUNT)])
