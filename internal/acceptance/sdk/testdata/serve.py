"""A served flow: run by name, by schedule, cancelled, suspended, crashed."""

import os
import sys
import threading
from datetime import datetime, timedelta, timezone

from prefect import flow, suspend_flow_run, task
from prefect.deployments import run_deployment
from prefect.flow_runs import resume_flow_run
from prefect.schedules import Interval
from prefect.states import Cancelling


@task
def half(x):
    return x / 2


@flow(log_prints=True)
def served(mode: str = "plain", n: int = 1):
    print(f"mode {mode}")
    if mode == "linger":
        threading.Event().wait(120)
    if mode == "vanish":
        os._exit(3)
    if mode == "fail":
        raise ValueError("asked to")
    if mode == "suspend":
        suspend_flow_run(timeout=60)
    return half(n)


def main():
    from beside import beside, this_script
    from seen import api, equal, eventually, flow_states, log_messages, task_run

    def ends(run_id, name):
        def ended():
            run = api.read_flow_run(run_id)
            assert run.state.is_final(), run.state
            return run

        run = eventually(ended, patience=90)
        equal(run.state.name, name)
        return run

    def reaches(run_id, name):
        eventually(lambda: equal(api.read_flow_run(run_id).state.name, name), patience=60)

    with beside(*this_script("serve")):
        deployment = eventually(lambda: api_deployment(api))
        equal(deployment.parameters, {"n": 8})
        equal(sorted(deployment.tags), ["a", "b"])
        equal(deployment.parameter_openapi_schema["properties"]["n"]["type"], "integer")
        equal(len(deployment.schedules), 1)

        plain = run_deployment("served/here", parameters={"mode": "plain"}, timeout=0)
        failing = run_deployment("served/here", parameters={"mode": "fail"}, timeout=0, tags=["x"])
        vanishing = run_deployment("served/here", parameters={"mode": "vanish"}, timeout=0)
        suspended = run_deployment("served/here", parameters={"mode": "suspend"}, timeout=0)
        lingering = run_deployment("served/here", parameters={"mode": "linger"}, timeout=0)

        run = ends(plain.id, "Completed")
        equal(run.deployment_id, deployment.id)
        equal(run.parameters, {"mode": "plain", "n": 8})
        equal(flow_states(run.id), ["Scheduled", "Pending", "Submitting", "Running", "Completed"])
        equal(task_run(run.id, "half").state.name, "Completed")
        log_messages(run.id, "mode plain")

        run = ends(failing.id, "Failed")
        assert "asked to" in run.state.message, run.state
        assert {"x", "a", "b"} <= set(run.tags), run.tags

        run = ends(vanishing.id, "Crashed")
        equal(flow_states(run.id)[-2:], ["Running", "Crashed"])

        log_messages(lingering.id, "mode linger")
        api.set_flow_run_state(lingering.id, Cancelling())
        run = ends(lingering.id, "Cancelled")
        equal(flow_states(run.id)[-3:], ["Running", "Cancelling", "Cancelled"])

        reaches(suspended.id, "Suspended")
        resume_flow_run(suspended.id)
        run = ends(suspended.id, "Completed")
        names = flow_states(run.id)
        assert names.index("Running") < names.index("Suspended"), names
        equal(names[-2:], ["Running", "Completed"])
        equal(run.run_count, 1)

        later = datetime.now(timezone.utc) + timedelta(seconds=3)
        run = run_deployment(
            "served/here", parameters={"n": 2}, scheduled_time=later, timeout=60,
            poll_interval=1, flow_run_name="planned", as_subflow=False,
        )
        equal((run.state.name, run.name), ("Completed", "planned"))
        # The SDK's runner starts a process a moment early, so that it is up in time.
        assert run.start_time >= later - timedelta(seconds=1), (run.start_time, later)


def api_deployment(api):
    from prefect.exceptions import ObjectNotFound

    try:
        return api.read_deployment_by_name("served/here")
    except ObjectNotFound as e:
        raise AssertionError(e)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        served.serve(
            name="here", tags=["a", "b"], parameters={"n": 8},
            schedule=Interval(timedelta(days=1), anchor_date=datetime(2026, 1, 1, tzinfo=timezone.utc)),
        )
    else:
        main()
