"""Runs the hooks of a flow for a state that the flow's own process did not live to see."""
import asyncio
import inspect
import os
import sys
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.flow_engine import load_flow
from prefect.flows import load_flow_from_flow_run
from prefect.logging.loggers import flow_run_logger
from prefect.states import Cancelling


async def call(hook, arguments):
    if inspect.iscoroutinefunction(hook):
        await hook(**arguments)
        return
    result = await asyncio.to_thread(hook, **arguments)
    if inspect.isawaitable(result):
        await result


async def main(kind):
    async with get_client() as client:
        run = await client.read_flow_run(UUID(os.environ["PREFECT__FLOW_RUN_ID"]))
    if os.environ.get("PREFECT__FLOW_ENTRYPOINT"):  # the code is here already
        flow = await asyncio.to_thread(load_flow, run)
    else:
        flow = await load_flow_from_flow_run(run, storage_base_path=os.environ.get("PREFECT__STORAGE_BASE_PATH"))
    state = Cancelling(message="Flow run was cancelled.") if kind == "cancellation" else run.state
    hooks = (flow.on_cancellation_hooks if kind == "cancellation" else flow.on_crashed_hooks) or []
    logger = flow_run_logger(run, flow)
    for hook in hooks:
        name = getattr(hook, "__name__", type(hook).__name__)
        logger.info("Running hook %r in response to entering state %r", name, state.name)
        try:
            await call(hook, {"flow": flow, "flow_run": run, "state": state})
        except Exception:
            logger.error("Hook %r failed", name, exc_info=True)
        else:
            logger.info("Hook %r finished running successfully", name)


asyncio.run(main(sys.argv[1]))
