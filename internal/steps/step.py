"""Calls one deployment step and prints what it returns as one marked line."""
import importlib
import inspect
import json
import os
import re
import subprocess
import sys

request = json.loads(os.environ.pop("USHER_STEP"))
sys.path.insert(0, os.getcwd())


def load(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def install(packages):
    command = [sys.executable, "-m", "pip", "install", *packages]
    subprocess.run(command, check=True, stdout=sys.stderr)


try:
    for package in request["requires"]:
        importlib.import_module(re.split(r"[<>=!~]", package)[0].strip().replace("-", "_"))
    step = load(request["name"])
except ImportError:
    if not request["requires"]:
        raise
    install(request["requires"])
    importlib.invalidate_caches()
    step = load(request["name"])

result = step(**request["args"])
if inspect.isawaitable(result):
    import asyncio

    async def wait():
        return await result

    result = asyncio.run(wait())
output = result if isinstance(result, dict) else {}
sys.stdout.write("\n@usher-step-output@" + json.dumps({"output": output}, default=str) + "\n")
sys.stdout.flush()
