"""Deploys work.py once more: deploy.py VERSION N AGREEMENT…, each a name=seconds."""

import sys

from prefect import flow
from prefect._experimental.sla.objects import TimeToCompletionSla
from prefect._internal.versioning import VersionType

version, n, *agreements = sys.argv[1:]
flow.from_source(source=".", entrypoint="work.py:work").deploy(
    name="d",
    work_pool_name="yard",
    version=version,
    version_type=VersionType.SIMPLE,
    parameters={"n": int(n)},
    print_next_steps=False,
    ignore_warnings=True,
    _sla=[TimeToCompletionSla(name=name, duration=int(s), severity="high") for name, s in (a.split("=") for a in agreements)],
)
