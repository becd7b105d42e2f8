import os

from prefect import flow, task
from prefect.runtime import flow_run, task_run


@flow
def raises():
    raise ValueError("as expected")


@flow
def exits():
    os._exit(3)


@task(retries=1)
def fails_once():
    if task_run.run_count == 1:
        raise ValueError("once")


@flow(retries=1, log_prints=True)
def retries():
    fails_once()
    print(f"attempt {flow_run.run_count}")
    if flow_run.run_count == 1:
        raise ValueError("again")
