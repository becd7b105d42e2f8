"""What the server shows about the runs that a script made."""

import threading
from operator import attrgetter

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter

api = get_client(sync_client=True)


def eventually(check, patience=20):
    """Return what check returns as soon as it raises no AssertionError."""
    ticks = threading.Event()
    for left in range(int(patience / 0.1), -1, -1):
        try:
            return check()
        except AssertionError:
            if not left:
                raise
        ticks.wait(0.1)


def equal(got, want):
    assert got == want, f"\n got {got!r}\nwant {want!r}"


def flow_run(state):
    """The flow run as the server has it, from the state a flow call returned."""
    return api.read_flow_run(state.state_details.flow_run_id)


def flow_states(flow_run_id):
    """The names of all states the flow run went through, oldest first."""
    states = api.read_flow_run_states(flow_run_id)
    return [s.name for s in sorted(states, key=attrgetter("timestamp"))]


def task_runs(flow_run_id, count=None):
    """The task runs of a flow run, by start; waits until count have ended."""

    def ended():
        runs = []
        while page := api.read_task_runs(
            flow_run_filter=FlowRunFilter(id={"any_": [flow_run_id]}),
            offset=len(runs),
        ):
            runs += page
        if count is not None:
            open_ = [r.name for r in runs if not (r.state and r.state.is_final())]
            assert not open_, f"not ended: {open_}"
            equal(len(runs), count)
        return sorted(runs, key=lambda r: r.start_time or r.expected_start_time)

    return eventually(ended)


def task_run(flow_run_id, name, final=True):
    """The one task run of that name, whatever was added to make it unique."""

    def found():
        runs = [r for r in task_runs(flow_run_id) if f"{r.name}-".startswith(f"{name}-")]
        equal(len(runs), 1)
        assert runs[0].state and runs[0].state.is_final() == final, runs[0].state
        return runs[0]

    return eventually(found)


def task_states(task_run_id, *want):
    """Check the names of all states the task run went through, oldest first."""

    def complete():
        states = api.read_task_run_states(task_run_id)
        equal([s.name for s in sorted(states, key=attrgetter("timestamp"))], list(want))

    eventually(complete)


def log_messages(flow_run_id, *want):
    """Wait until the log of the flow run has all wanted messages; return all."""
    from prefect.client.schemas.filters import LogFilter
    from prefect.client.schemas.sorting import LogSort

    def complete():
        logs = api.read_logs(
            LogFilter(flow_run_id={"any_": [flow_run_id]}), sort=LogSort.TIMESTAMP_ASC
        )
        messages = [log.message for log in logs]
        missing = [w for w in want if w not in messages]
        assert not missing, f"not logged: {missing}, only {messages}"
        return logs

    return eventually(complete)
