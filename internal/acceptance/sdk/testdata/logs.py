"""What flows and tasks log and print reaches the server, in order."""

import logging

from prefect import flow, get_run_logger, task
from seen import api, equal, eventually, flow_run, log_messages, task_run
from prefect.client.schemas.filters import LogFilter
from prefect.client.schemas.sorting import LogSort


@task(log_prints=True)
def talks():
    print("printed in the task")
    get_run_logger().error("trouble in the task")


@flow(log_prints=True)
def logs():
    log = get_run_logger()
    log.warning("careful: %s", "ünï ☃")
    print("printed in the flow")
    log.debug("not shown at the default level")
    talks()
    for n in range(500):
        log.info("line %03d", n)
    log.info("a line\nof two")


state = logs(return_state=True)
run = flow_run(state)
found = log_messages(
    run.id,
    "careful: ünï ☃", "printed in the flow", "printed in the task", "trouble in the task",
)


def whole_log():
    page, rows = [None], []
    while page:
        page = api.read_logs(
            LogFilter(flow_run_id={"any_": [run.id]}),
            sort=LogSort.TIMESTAMP_ASC, offset=len(rows), limit=200,
        )
        rows += page
    lines = [r.message for r in rows if r.message.startswith("line ")]
    equal(lines, [f"line {n:03d}" for n in range(500)])
    equal(rows[-1].message, "Finished in state Completed()")
    return rows


rows = eventually(whole_log)
by_message = {r.message: r for r in rows}
equal(by_message["careful: ünï ☃"].level, logging.WARNING)
equal(by_message["careful: ünï ☃"].name, "prefect.flow_runs")
equal(by_message["printed in the flow"].level, logging.INFO)
equal(by_message["trouble in the task"].level, logging.ERROR)
equal(by_message["trouble in the task"].name, "prefect.task_runs")
equal(by_message["trouble in the task"].task_run_id, task_run(run.id, "talks").id)
assert "a line\nof two" in by_message
assert "not shown at the default level" not in by_message
assert by_message["careful: ünï ☃"].task_run_id is None

errors = api.read_logs(LogFilter(flow_run_id={"any_": [run.id]}, level={"ge_": logging.ERROR}))
equal([e.message for e in errors], ["trouble in the task"])
