"""Variables: any JSON value by name, in and out of flows."""

from uuid import uuid4

from prefect import flow
from prefect.variables import Variable
from seen import api, equal

mark = uuid4().hex[:8]


def name(n):
    return f"v_{mark}_{n}"


values = {
    "text": "ünï ☃", "number": 42, "real": 0.1, "no": False, "none": None,
    "list": [1, "a", None], "deep": {"a": {"b": [True]}},
}
for n, value in values.items():
    Variable.set(name(n), value, tags=["t", n])
for n, value in values.items():
    equal(Variable.get(name(n)), value)
equal(sorted(api.read_variable_by_name(name("deep")).tags), ["deep", "t"])

equal(Variable.get(name("absent")), None)
equal(Variable.get(name("absent"), default="x"), "x")

try:
    Variable.set(name("text"), "again")
except ValueError as e:
    assert "already exists" in str(e), e
else:
    raise AssertionError("a variable was overwritten without being asked to")
Variable.set(name("text"), "again", overwrite=True)
equal(Variable.get(name("text")), "again")

equal(len([v for v in api.read_variables(limit=200) if mark in v.name]), len(values))


@flow
def counts():
    Variable.set(name("number"), Variable.get(name("number")) + 1, overwrite=True)
    return Variable.get(name("number"))


equal(counts(), 43)
equal(Variable.unset(name("number")), True)
equal(Variable.unset(name("number")), False)
equal(Variable.get(name("number")), None)
try:
    Variable.set("Not A Name", 1)
except ValueError:
    pass
else:
    raise AssertionError("a bad name was accepted")
