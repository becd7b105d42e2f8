"""A flow deployed to a process pool and run by the reference's worker."""

import os
import threading
from pathlib import Path

from prefect import flow, task
from prefect.deployments import run_deployment
from prefect.states import Cancelling

POOL = "processes"


@task(retries=1)
def unsteady(run_count=[]):
    run_count.append(1)
    if len(run_count) == 1:
        raise ValueError("first time")
    return len(run_count)


@flow(log_prints=True)
def deployed(mode: str = "plain", who: str = "nobody"):
    print(f"mode {mode} of {who} with {os.environ.get('COLOUR')}")
    if mode == "linger":
        threading.Event().wait(120)
    if mode == "vanish":
        os._exit(7)
    return unsteady()


def main():
    from beside import beside, prefect
    from seen import api, equal, eventually, flow_states, log_messages, task_run

    def reaches(run_id, name, patience=60):
        eventually(lambda: equal(api.read_flow_run(run_id).state.name, name), patience)
        return api.read_flow_run(run_id)

    here = Path(__file__).parent
    prefect("work-pool", "create", POOL, "--type", "process")
    deployment_id = flow.from_source(source=str(here), entrypoint="worker.py:deployed").deploy(
        name="there",
        work_pool_name=POOL,
        work_queue_name="fast",
        parameters={"who": "Ada"},
        job_variables={"env": {"COLOUR": "red"}},
        concurrency_limit=1,
        tags=["deployed"],
        version="v1",
        print_next_steps=False,
    )
    deployment = api.read_deployment(deployment_id)
    equal((deployment.work_pool_name, deployment.work_queue_name), (POOL, "fast"))
    equal(deployment.status.value, "NOT_READY")
    equal(deployment.global_concurrency_limit.limit, 1)

    waiting = run_deployment("deployed/there", timeout=0)
    equal(api.read_flow_run(waiting.id).state.name, "Scheduled")
    prefect("work-pool", "pause", POOL)

    with beside("prefect", "worker", "start", "--pool", POOL, "--name", "w1"):
        eventually(lambda: equal(
            [(w.name, w.status.value) for w in api.read_workers_for_work_pool(POOL)],
            [("w1", "ONLINE")],
        ))
        equal(api.read_work_pool(POOL).is_paused, True)
        equal(api.read_flow_run(waiting.id).state.type.value, "SCHEDULED")
        prefect("work-pool", "resume", POOL)

        run = reaches(waiting.id, "Completed")
        equal(run.parameters, {"who": "Ada"})
        equal((run.work_pool_name, run.work_queue_name), (POOL, "fast"))
        assert run.infrastructure_pid, run
        assert "deployed" in run.tags, run.tags
        equal(run.deployment_version, "v1")
        names = [n for n in flow_states(run.id) if n != "Late"]
        equal(names, ["Scheduled", "Pending", "Submitting", "Running", "Completed"])
        log_messages(run.id, "mode plain of Ada with red")
        equal(task_run(run.id, "unsteady").run_count, 2)
        eventually(lambda: equal(api.read_work_pool(POOL).status.value, "READY"))
        eventually(lambda: equal(api.read_deployment(deployment_id).status.value, "READY"))

        run = run_deployment("deployed/there", parameters={"mode": "vanish"}, timeout=0)
        run = reaches(run.id, "Crashed")
        assert "7" in run.state.message, run.state

        # One at a time: the second waits until the first one is gone.
        first = run_deployment("deployed/there", parameters={"mode": "linger"}, timeout=0,
                               job_variables={"env": {"COLOUR": "blue"}})
        log_messages(first.id, "mode linger of Ada with blue")
        second = run_deployment("deployed/there", timeout=0)
        reaches(second.id, "AwaitingConcurrencySlot")
        api.set_flow_run_state(first.id, Cancelling())
        run = reaches(first.id, "Cancelled")
        equal(flow_states(run.id)[-3:], ["Running", "Cancelling", "Cancelled"])
        reaches(second.id, "Completed", patience=90)


if __name__ == "__main__":
    main()
