"""Runs that wait for a person: paused with input, resumed, or given up."""

import threading

from prefect import flow, pause_flow_run, task
from prefect.flow_runs import resume_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run as runtime
from seen import api, equal, eventually, flow_run, flow_states, task_runs


class Answer(RunInput):
    name: str
    times: int = 1


@task
def greet(name):
    return f"hello {name}"


def when_paused(flow_run_id, act):
    """Do act in another thread once the server shows the run as paused."""

    def wait():
        eventually(lambda: equal(api.read_flow_run(flow_run_id).state.name, "Paused"))
        act()

    threading.Thread(target=wait, daemon=True).start()


@flow
def asks():
    run_id = runtime.id
    when_paused(run_id, lambda: resume_flow_run(run_id, run_input={"name": "Ada", "times": 2}))
    answer = pause_flow_run(wait_for_input=Answer.with_initial_data(description="Who?", name="x"),
                            timeout=30, poll_interval=1)
    return [greet(answer.name)] * answer.times


state = asks(return_state=True)
equal((state.name, state.result()), ("Completed", ["hello Ada"] * 2))
run = flow_run(state)
equal(flow_states(run.id), ["Pending", "Running", "Paused", "Running", "Completed"])
paused = [s for s in api.read_flow_run_states(run.id) if s.name == "Paused"][0]
equal(paused.type.value, "PAUSED")
keys = paused.state_details.run_input_keyset
equal(sorted(keys), ["description", "response", "schema"])
equal(api.read_flow_run_input(run.id, keys["description"]).strip('"'), "Who?")
equal(len(task_runs(run.id, count=1)), 1)


@flow
def waits_plainly():
    run_id = runtime.id
    when_paused(run_id, lambda: resume_flow_run(run_id))
    pause_flow_run(timeout=30, poll_interval=1)
    return "went on"


equal(waits_plainly(), "went on")


@flow
def nobody_comes():
    pause_flow_run(timeout=1, poll_interval=1)


state = nobody_comes(return_state=True)
run = flow_run(state)
equal((run.state.type.value, flow_states(run.id)[:3]), ("FAILED", ["Pending", "Running", "Paused"]))


@flow
def wrong_answer():
    run_id = runtime.id
    refused = []

    def act():
        try:
            resume_flow_run(run_id, run_input={"times": "many"})
        except Exception as e:
            refused.append(str(e))
        resume_flow_run(run_id, run_input={"name": "Bob"})

    when_paused(run_id, act)
    answer = pause_flow_run(wait_for_input=Answer, timeout=30, poll_interval=1)
    return answer.name, len(refused)


equal(wrong_answer(), ("Bob", 1))
