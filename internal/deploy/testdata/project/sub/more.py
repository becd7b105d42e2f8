"""A module in a folder of its own."""
import missing_here  # noqa: F401
from prefect import flow, task


@task
def work(x: int) -> int:
    return x + 1


@flow(description="From the decorator.")
def second(x: int, y: "list[str]" = ["a"], *, z: bool = False):
    return work(x)
