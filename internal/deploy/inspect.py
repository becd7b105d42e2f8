"""Loads flows and prints what a deployment needs to know of each, one marked line in all."""
import json
import os
import sys
import traceback

entrypoints = json.loads(os.environ.pop("USHER_ENTRYPOINTS"))
answer, sys.stdout = sys.stdout, sys.stderr
sys.path.insert(0, os.getcwd())

from prefect.flows import load_flow_from_entrypoint  # noqa: E402
from prefect.utilities.callables import parameter_schema  # noqa: E402


def describe(entrypoint):
    try:
        flow = load_flow_from_entrypoint(entrypoint)
        return {
            "name": flow.name,
            "description": flow.description,
            "version": flow.version,
            "parameter_openapi_schema": parameter_schema(flow).model_dump(exclude_unset=True),
        }
    except BaseException as error:
        line = traceback.format_exception_only(type(error), error)[-1].strip()
        return {"error": line, "traceback": traceback.format_exc()}


found = {entrypoint: describe(entrypoint) for entrypoint in entrypoints}
answer.write("\n@usher-flows@" + json.dumps(found, default=str) + "\n")
answer.flush()
os._exit(0)
