"""Coroutines: flows, tasks, mapped tasks, subflows and several runs at once."""

import asyncio

from prefect import flow, get_client, task
from prefect.client.schemas.filters import FlowRunFilter
from seen import equal, flow_run, flow_states, task_runs


@task
async def double(x):
    await asyncio.sleep(0)
    return 2 * x


@task(retries=1)
async def second_time(tries=[]):
    tries.append(1)
    if len(tries) == 1:
        raise ValueError("first time")
    return len(tries)


@flow
async def inner(x):
    return await double(x)


@flow
async def outer():
    direct = await double(1)
    submitted = double.submit(2)
    mapped = double.map([3, 4])
    gathered = await asyncio.gather(double(5), double(6))
    below = await asyncio.gather(inner(7), inner(8))
    again = await second_time()
    return [direct, submitted.result(), *[f.result() for f in mapped], *gathered, *below, again]


async def main():
    state = await outer(return_state=True)
    equal((state.name, await state.aresult()), ("Completed", [2, 4, 6, 8, 10, 12, 14, 16, 2]))
    async with get_client() as client:
        runs = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(parent_flow_run_id={"any_": [state.state_details.flow_run_id]})
        )
        equal([r.state.name for r in runs], ["Completed"] * 2)
        at_once = await asyncio.gather(*[inner(n) for n in range(10)])
        equal(at_once, [2 * n for n in range(10)])
    return state


state = asyncio.run(main())
run = flow_run(state)
equal(flow_states(run.id), ["Pending", "Running", "Completed"])
runs = task_runs(run.id, count=9)
equal({r.state.name for r in runs}, {"Completed"})
equal(sorted(r.name.split("-")[0] for r in runs), ["double"] * 6 + ["inner"] * 2 + ["second_time"])
