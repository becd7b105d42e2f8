"""Records how the reference checks values against schemas and fills placeholders.

    python record.py | gzip -9 -n > vectors.json.gz

Run it with the Python that the reference is installed in.
"""

import itertools
import json
import random

from prefect.utilities.schema_tools.hydration import HydrationContext, HydrationError, hydrate
from prefect.utilities.schema_tools.validation import CircularSchemaRefError, ValidationError, is_valid_schema, validate

random.seed(7)

VALUES = [
    None, True, False, 0, 1, -3, 7, 2.5, 3.0, 1e20, 0.00001, "", "a", "abc", "it's", 'say "x"', "it's \"x\"", "line\nbreak\t\\", "é☃\x00\U0001f600",
    "2026-01-01", "2026-13-01", "8b0c6ab1-56fa-4d3c-9b6c-0e0e2a3f2b11", [], [1], [1, "a"], [1, 1], ["a", "b", "c"], {}, {"x": 1}, {"x": "s", "y": None}, {"y": [1, {"z": "q"}]},
]
SCALARS = [
    {"type": "integer"}, {"type": "string"}, {"type": "number", "minimum": 2}, {"type": "integer", "maximum": 3, "exclusiveMinimum": 0}, {"type": "boolean"},
    {"type": "null"}, {"type": ["string", "null"]}, {"type": "string", "minLength": 1, "maxLength": 3}, {"type": "string", "pattern": "^a"}, {"enum": ["a", 1, None]},
    {"const": "abc"}, {"multipleOf": 2.5}, {"exclusiveMaximum": 3}, {"type": "string", "format": "uuid"}, {"type": "string", "format": "date"}, {}, True, False,
    {"type": "integer", "default": 3}, {"type": "string", "default": "a", "title": "T"}, {"title": "no type"}, {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
]
COMPOUND = [
    {"type": "array", "items": {"type": "integer"}}, {"type": "array", "minItems": 2}, {"type": "array", "maxItems": 0}, {"type": "array", "maxItems": 1, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False}, {"type": "array", "items": [{"type": "integer"}, {"type": "string"}]},
    {"contains": {"type": "string"}}, {"contains": {"type": "string"}, "minContains": 2}, {"contains": {"type": "string"}, "maxContains": 1},
    {"type": "object", "additionalProperties": {"type": "string"}}, {"type": "object", "additionalProperties": False}, {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False},
    {"type": "object", "patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": False}, {"type": "object", "minProperties": 1}, {"type": "object", "maxProperties": 1},
    {"type": "object", "minProperties": 3}, {"propertyNames": {"maxLength": 0}}, {"dependentRequired": {"x": ["y"]}}, {"dependentSchemas": {"y": {"required": ["z"]}}},
    {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "string"}}, "required": ["x", "w"]},
    {"type": "object", "properties": {"y": {"type": "array", "items": {"type": "object", "properties": {"z": {"type": "integer"}}}}}},
    {"anyOf": [{"type": "integer"}, {"type": "string", "minLength": 2}]}, {"anyOf": [{"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}, {"type": "null"}]},
    {"oneOf": [{"type": "integer"}, {"type": "number"}]}, {"oneOf": [{"type": "string"}, {"type": "object", "required": ["q"]}]}, {"not": {"type": "string"}},
    {"allOf": [{"type": "integer"}, {"minimum": 5}]}, {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "integer"}}, {"$ref": "#/$defs/T"}, {"$ref": "#/definitions/B"}, {"$ref": "#/nowhere"},
]
DEFS = {
    "$defs": {"T": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}},
    "definitions": {"B": {"title": "B", "type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"], "block_type_slug": "b", "block_schema_references": {}}},
}


def parameters(inner):
    for name, required in (("x", []), ("x", ["x"])):
        yield {"type": "object", "title": "Parameters", "properties": {name: inner}, "required": required, **DEFS}


def outcome(values, schema, **options):
    try:
        validate(values, schema, raise_on_error=True, **options)
    except ValidationError as error:
        return str(error)
    except CircularSchemaRefError:
        return "circular"
    except Exception as error:
        return "failed: " + type(error).__name__
    return None


def checks():
    for inner in SCALARS + COMPOUND:
        for schema in parameters(inner):
            for value in VALUES:
                yield {"x": value}, schema
            yield {}, schema
            yield {"x": 1, "more": 2}, schema
    pairs = list(itertools.product(SCALARS + COMPOUND, repeat=2))
    for a, b in random.sample(pairs, 400):
        schema = {"type": "object", "properties": {"x": a, "y": b, "a name": a}, "required": random.choice([[], ["x"], ["x", "y"]]), "additionalProperties": random.choice([True, False]), **DEFS}
        for _ in range(4):
            yield {name: random.choice(VALUES) for name in random.sample(["x", "y", "z", "a name"], random.randint(0, 4))}, schema


SCHEMAS = [
    {"type": "foo"}, {"type": ["string", "string"]}, {"properties": []}, {"properties": {"x": {"type": 1}}}, {"required": "x"}, {"required": ["x", "x"]}, {"minLength": -1}, {"minLength": "1"},
    {"pattern": "("}, {"enum": "a"}, {"items": [{"type": "string"}]}, {"anyOf": []}, {"allOf": [{"type": "x"}]}, {"multipleOf": 0}, {"$defs": {"a": {"type": "nope"}}}, {"definitions": {"a": []}}, {},
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": "1"}, "b": {"type": "whatever"}}}, {"title": 3}, {"additionalProperties": 3}, True,
]


def schema_problem(schema):
    try:
        is_valid_schema(schema, preprocess=False)
    except ValueError as error:
        return str(error)
    return None


VARIABLES = {"v": "text", "n": {"deep": [1]}, "five": 5}
PLACEHOLDERS = [
    {"a": 1, "b": [{"c": None}]}, {"a": {"__prefect_kind": "none", "value": 3}}, {"a": {"__prefect_kind": "none"}}, {"a": {"__prefect_kind": "none", "value": {"__prefect_kind": "json", "value": "[1]"}}},
    {"a": {"__prefect_kind": "json", "value": '{"x": 1}'}}, {"a": {"__prefect_kind": "json", "value": "nope"}}, {"a": {"__prefect_kind": "json", "value": ""}}, {"a": {"__prefect_kind": "json", "value": 5}}, {"a": {"__prefect_kind": "json"}, "b": [1, {"__prefect_kind": "json"}]},
    {"a": {"__prefect_kind": "workspace_variable", "variable_name": "v"}}, {"a": [{"__prefect_kind": "workspace_variable", "variable_name": "n"}]}, {"a": {"__prefect_kind": "workspace_variable", "variable_name": "no"}}, {"a": {"__prefect_kind": "workspace_variable"}},
    {"a": {"__prefect_kind": "json", "value": {"__prefect_kind": "workspace_variable", "variable_name": "five"}}}, {"__prefect_kind": "json"}, {"__prefect_kind": "none", "value": {"a": 1}},
    {"a": {"__prefect_kind": "jinja", "template": "plain"}}, {"a": {"__prefect_kind": "jinja"}}, {"a": {"__prefect_kind": "other", "value": 4}}, {"a": {"__prefect_kind": "other"}}, {"a": {"__prefect_kind": None, "value": 4}},
    {"a": {"__prefect_kind": "json", "value": '\n {"x": }'}}, {"a": {"__prefect_kind": "json", "value": '[1, 2'}},
]


def filled(values):
    context = HydrationContext(workspace_variables=VARIABLES, raise_on_error=True, render_jinja=True, render_workspace_variables=True)
    try:
        return {"values": hydrate(values, context)}
    except HydrationError as error:
        return {"error": str(error)}


def main():
    schemas, cases = [], []
    index = {}
    for values, schema in checks():
        text = json.dumps(schema)
        schema = json.loads(text)  # without parts that are one object
        if text not in index:
            index[text] = len(schemas)
            schemas.append(schema)
        for ignore in (False, True):
            cases.append([index[text], values, ignore, outcome(values, schema, ignore_required=ignore), outcome(values, schema, ignore_required=ignore, allow_none_with_default=True)])
    print("{")
    print('"schemas": [\n' + ",\n".join(json.dumps(s) for s in schemas) + "\n],")
    print('"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n],")
    print('"problems": [\n' + ",\n".join(json.dumps([s, schema_problem(s)]) for s in SCHEMAS) + "\n],")
    print('"variables": ' + json.dumps(VARIABLES) + ",")
    print('"placeholders": [\n' + ",\n".join(json.dumps([p, filled(p)]) for p in PLACEHOLDERS) + "\n]")
    print("}")


main()
