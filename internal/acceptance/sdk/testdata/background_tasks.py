"""Tasks without a flow: handed to the server, run by whoever serves them."""

import sys

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.task_worker import serve


@task(log_prints=True, cache_policy=NO_CACHE, persist_result=True)
def multiply(a, b=10):
    print(f"{a} by {b}")
    return a * b


@task(retries=1, retry_delay_seconds=0.1, cache_policy=NO_CACHE)
def fails():
    raise ValueError("in the background")


def main():
    from beside import beside, this_script
    from seen import api, equal, eventually, task_states

    before = multiply.delay(2)
    run = api.read_task_run(before.task_run_id)
    equal((run.flow_run_id, run.state.name), (None, "Scheduled"))
    assert run.state.state_details.deferred, run.state

    with beside(*this_script("serve")):
        before.wait(timeout=60)
        equal(before.state.name, "Completed")
        equal(before.result(), 20)
        after = [multiply.delay(n, b=5) for n in (1, 2, 3)]
        broken = fails.delay()
        for future in (*after, broken):
            future.wait(timeout=60)
        equal([f.result() for f in after], [5, 10, 15])
        equal(broken.state.name, "Failed")
        run = api.read_task_run(broken.task_run_id)
        equal((run.state.name, run.run_count), ("Failed", 2))
        run = api.read_task_run(before.task_run_id)
        equal((run.state.name, run.run_count), ("Completed", 1))
        task_states(run.id, "Scheduled", "Pending", "Running", "Completed")

        def served_keys():
            found = api._client.post("/task_workers/filter", json={}).json()
            equal(len(found), 1)
            equal(sorted(k.split("-")[0] for k in found[0]["task_keys"]), ["fails", "multiply"])

        eventually(served_keys)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve(multiply, fails)
    else:
        main()
