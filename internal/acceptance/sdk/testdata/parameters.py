"""Parameters: coerced, validated, and stored as they were given."""

from datetime import date
from enum import Enum

from prefect import flow
from pydantic import BaseModel
from seen import equal, flow_run, flow_states


class Colour(Enum):
    RED = "red"


class Point(BaseModel):
    x: int
    y: float = 1.0


@flow
def typed(n: int, at: date, where: Point, colour: Colour = Colour.RED, many: list[float] | None = None):
    return [type(v).__name__ for v in (n, at, where, colour, many)]


state = typed("3", "2026-01-02", {"x": "4"}, many=[1, 2.5, 1e300], return_state=True)
equal(state.result(), ["int", "date", "Point", "Colour", "list"])
run = flow_run(state)
# The server keeps what the caller gave, not what the flow made of it.
equal(run.parameters["n"], "3")
equal(run.parameters["at"], "2026-01-02")
equal(run.parameters["where"], {"x": "4"})
equal(run.parameters["colour"], "red")
equal(run.parameters["many"], [1.0, 2.5, 1e300])

state = typed("three", "2026-01-02", {"x": 1}, return_state=True)
run = flow_run(state)
equal((run.state.name, run.run_count), ("Failed", 0))
assert "Validation of flow parameters failed" in run.state.message, run.state
equal(flow_states(run.id), ["Pending", "Failed"])


@flow(validate_parameters=False)
def free(anything, *, text="ünï ☃", deep=None):
    return text


deep = {"a": [1, {"b": None, "c": [True, 0.1]}], "": "empty key", "big": 2**53 - 1}
run = flow_run(free(1, deep=deep, return_state=True))
equal(run.parameters, {"anything": 1, "text": "ünï ☃", "deep": deep})
