"""Runs lines of the reference's command line in one process. stdin has a JSON list of words per
line; stdout gets what each printed and its exit code, likewise."""

import contextlib
import io
import json
import sys

from prefect.cli import app

for line in sys.stdin:
    out, code = io.StringIO(), 0
    sys.argv = ["prefect", *json.loads(line)]
    with contextlib.redirect_stdout(out):
        try:
            app()
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps({"out": out.getvalue(), "code": code}), flush=True)
