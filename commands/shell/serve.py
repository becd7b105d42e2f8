"""Deploys a line of shell and runs it here. The first argument is what to serve, as JSON."""

import asyncio
import json
import sys

from prefect.cli.shell import run_shell_process
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.runner import Runner
from prefect.types.entrypoint import EntrypointType


async def serve(command, log_output, stream_stdout, flow, deployment, tags, cron, timezone, limit, run_once):
    schedules = [DeploymentScheduleCreate(schedule=CronSchedule(cron=cron, timezone=timezone))] if cron else []
    made = await run_shell_process.with_options(name=flow).to_deployment(
        name=deployment,
        parameters={"command": command, "log_output": log_output, "stream_stdout": stream_stdout},
        entrypoint_type=EntrypointType.MODULE_PATH,
        schedules=schedules,
        tags=[*tags, "shell"],
        concurrency_limit=limit,
    )
    runner = Runner(name=flow, limit=limit) if limit else Runner(name=flow)
    await runner.add_deployment(made)
    print(f"Serving {flow}/{deployment}. `usher deployment run '{flow}/{deployment}'` makes a run; Ctrl+C stops it.", file=sys.stderr)
    await runner.start(run_once=run_once)


try:
    asyncio.run(serve(**json.loads(sys.argv[1])))
except KeyboardInterrupt:
    sys.exit(130)
