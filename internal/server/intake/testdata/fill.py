"""Puts one of everything into a Prefect server, through its SDK and its API."""

import asyncio
import datetime

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, create_table_artifact
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.filesystems import LocalFileSystem
from prefect.variables import Variable
from pydantic import SecretStr

NOW = datetime.datetime.now(datetime.timezone.utc)


class Inner(Block):
    _block_type_slug = "inner"
    password: SecretStr
    port: int = 5432


class Outer(Block):
    _block_type_slug = "outer"
    inner: Inner
    note: str = "ö ☃"


@task(retries=1, retry_delay_seconds=0, tags=["t"])
def shaky(attempts=[]):
    attempts.append(1)
    if len(attempts) < 2:
        raise ValueError("once")
    return 1


@task
def add(x, y):
    get_run_logger().warning("adding %s to %s ☃", x, y)
    return x + y


@flow
def child(n: int):
    return add(n, 1)


@flow(flow_run_name="the-parent", log_prints=True)
def parent(n: int = 3, names: dict = {"a": [1, 2.5, None, "ü"]}):
    print("hello")
    create_markdown_artifact("# hi", key="report", description="first")
    create_markdown_artifact("# hi again", key="report")
    create_table_artifact([{"a": 1}], key="table")
    create_progress_artifact(33.3, key="progress")
    return child(shaky() + add(n, 2))


@flow
def broken():
    raise RuntimeError("it broke")


async def call(client, method, path, /, **body):
    answer = await client._client.request(method, path, json=body or None)
    answer.raise_for_status()
    return answer.json() if answer.content else None


async def objects():
    async with get_client() as c:
        await call(c, "POST", "/work_pools/", name="pool", type="process", description="d", concurrency_limit=7,
                   base_job_template={"job_configuration": {"command": "{{ command }}", "env": "{{ env }}"},
                                      "variables": {"type": "object", "properties": {"command": {"type": "string"}, "env": {"type": "object"}}}})
        await call(c, "POST", "/work_pools/pool/queues", name="fast", priority=2, concurrency_limit=3, description="q")
        await call(c, "PATCH", "/work_pools/pool/queues/fast", is_paused=True)
        await call(c, "POST", "/work_pools/pool/workers/heartbeat", name="w1", heartbeat_interval_seconds=30)
        limit = await call(c, "POST", "/v2/concurrency_limits/", name="db", limit=5, slot_decay_per_second=0.25)
        await call(c, "POST", "/concurrency_limits/", tag="t", concurrency_limit=10)
        f = await call(c, "POST", "/flows/", name="deployed", tags=["f"], labels={"team": "data", "n": 1, "x": 1.5, "b": True})
        schema = {"type": "object", "properties": {"x": {"type": "integer", "default": 1}}}
        d = await call(c, "POST", "/deployments/", name="nightly", flow_id=f["id"], work_pool_name="pool", work_queue_name="fast", tags=["a", "b"],
                       description="text", version="1.2", entrypoint="flows.py:f", path="/srv", parameters={"x": 4}, parameter_openapi_schema=schema,
                       job_variables={"env": {"A": "1"}}, pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": "/srv"}}],
                       concurrency_limit=2, concurrency_options={"collision_strategy": "CANCEL_NEW"}, labels={"l": "v"}, schedules=[
                           {"schedule": {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}, "slug": "nine", "parameters": {"x": 9}},
                           {"schedule": {"interval": 3600, "anchor_date": "2026-01-01T00:00:00+00:00"}, "slug": "hourly", "max_scheduled_runs": 3},
                           {"schedule": {"rrule": "FREQ=WEEKLY;BYDAY=MO"}, "slug": "weekly", "active": False}])
        await call(c, "POST", "/deployments/", name="paused", flow_id=f["id"], paused=True, global_concurrency_limit_id=limit["id"])
        await call(c, "POST", f"/deployments/{d['id']}/schedule", max_runs=5)
        run = await call(c, "POST", f"/deployments/{d['id']}/create_flow_run", parameters={"x": 8}, idempotency_key="one", tags=["r"],
                         state={"type": "SCHEDULED", "state_details": {"scheduled_time": (NOW + datetime.timedelta(days=2)).isoformat()}})
        await call(c, "POST", f"/flow_runs/{run['id']}/input", key="k-1", value='"v"', sender="someone")
        for kind, name in [("PENDING", None), ("RUNNING", None), ("PAUSED", None), ("CANCELLING", None), ("CANCELLED", None), ("CRASHED", None), ("FAILED", "TimedOut")]:
            state = {"type": kind, "message": "m", **({"name": name} if name else {})}
            made = await call(c, "POST", "/flow_runs/", name=f"is-{kind}", flow_id=f["id"], parameters={"big": 2**60}, context={"c": 1}, job_variables={"j": 1})
            await call(c, "POST", f"/flow_runs/{made['id']}/set_state", state=state, force=True)
        await call(c, "POST", "/automations/", name="watch", description="d", enabled=True, tags=["x"],
                   trigger={"type": "event", "posture": "Reactive", "expect": ["prefect.flow-run.Failed"], "match": {"prefect.resource.id": "prefect.flow-run.*"},
                            "match_related": {"prefect.resource.id": f"prefect.flow.{f['id']}", "prefect.resource.role": "flow"}, "threshold": 2, "within": 60},
                   actions=[{"type": "run-deployment", "source": "selected", "deployment_id": d["id"], "parameters": {"x": 1}}])
        await call(c, "PUT", "/saved_searches/", name="mine", filters=[{"object": "flow", "property": "name", "type": "string", "operation": "any", "value": "x"}])



def blocks():
    Variable.set("plain", "text", tags=["v"])
    Variable.set("tree", {"a": [1, None, 1.0]})
    Variable.set("nothing", None)
    Variable.set("number", 5)
    Secret(value="s3cret ☃").save("token")
    Secret(value={"user": "u", "n": 1}).save("pair")
    Inner(password="pä55").save("in")
    Outer(inner=Inner.load("in")).save("out")
    return LocalFileSystem(basepath="/tmp/results").save("files")


async def storage(block):
    async with get_client() as c:
        await call(c, "PUT", "/admin/storage", default_result_storage_block_id=str(block))


def main():
    asyncio.run(objects())
    block = blocks()
    asyncio.run(storage(block))
    parent()
    try:
        broken()
    except RuntimeError:
        pass
    emit_event("mine.happened", {"prefect.resource.id": "mine.1", "k": "v"}, related=[{"prefect.resource.id": "mine.2", "prefect.resource.role": "other"}], payload={"p": [1]})


if __name__ == "__main__":
    main()
