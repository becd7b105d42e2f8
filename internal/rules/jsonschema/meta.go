package jsonschema

import "github.com/go-json-experiment/json/jsontext"

// meta is the schema of schemas: draft 2020-12 in one piece, with the members in the
// order in which the reference comes to look at them.
const meta = `{
  "type": ["object", "boolean"],
  "$defs": {
    "count": {"type": "integer", "minimum": 0},
    "schemas": {"type": "array", "minItems": 1, "items": {"$ref": "#"}},
    "texts": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
    "named": {"type": "object", "additionalProperties": {"$ref": "#"}},
    "types": {"enum": ["array", "boolean", "integer", "null", "number", "object", "string"]}
  },
  "properties": {
    "$id": {"type": "string", "pattern": "^[^#]*#?$"},
    "$schema": {"type": "string"},
    "$ref": {"type": "string"},
    "$anchor": {"type": "string", "pattern": "^[A-Za-z_][-A-Za-z0-9._]*$"},
    "$dynamicRef": {"type": "string"},
    "$comment": {"type": "string"},
    "$defs": {"$ref": "#/$defs/named"},
    "prefixItems": {"$ref": "#/$defs/schemas"},
    "items": {"$ref": "#"},
    "contains": {"$ref": "#"},
    "additionalProperties": {"$ref": "#"},
    "properties": {"$ref": "#/$defs/named"},
    "patternProperties": {"$ref": "#/$defs/named"},
    "dependentSchemas": {"$ref": "#/$defs/named"},
    "propertyNames": {"$ref": "#"},
    "if": {"$ref": "#"},
    "then": {"$ref": "#"},
    "else": {"$ref": "#"},
    "allOf": {"$ref": "#/$defs/schemas"},
    "anyOf": {"$ref": "#/$defs/schemas"},
    "oneOf": {"$ref": "#/$defs/schemas"},
    "not": {"$ref": "#"},
    "type": {"anyOf": [
      {"$ref": "#/$defs/types"},
      {"type": "array", "items": {"$ref": "#/$defs/types"}, "minItems": 1, "uniqueItems": true}
    ]},
    "enum": {"type": "array"},
    "multipleOf": {"type": "number", "exclusiveMinimum": 0},
    "maximum": {"type": "number"},
    "exclusiveMaximum": {"type": "number"},
    "minimum": {"type": "number"},
    "exclusiveMinimum": {"type": "number"},
    "maxLength": {"$ref": "#/$defs/count"},
    "minLength": {"$ref": "#/$defs/count"},
    "pattern": {"type": "string", "format": "regex"},
    "maxItems": {"$ref": "#/$defs/count"},
    "minItems": {"$ref": "#/$defs/count"},
    "uniqueItems": {"type": "boolean"},
    "maxContains": {"$ref": "#/$defs/count"},
    "minContains": {"$ref": "#/$defs/count"},
    "maxProperties": {"$ref": "#/$defs/count"},
    "minProperties": {"$ref": "#/$defs/count"},
    "required": {"$ref": "#/$defs/texts"},
    "dependentRequired": {"type": "object", "additionalProperties": {"$ref": "#/$defs/texts"}},
    "title": {"type": "string"},
    "description": {"type": "string"},
    "deprecated": {"type": "boolean"},
    "readOnly": {"type": "boolean"},
    "writeOnly": {"type": "boolean"},
    "examples": {"type": "array"},
    "format": {"type": "string"},
    "definitions": {"$ref": "#/$defs/named"}
  }
}`

// CheckSchema returns the first thing that is wrong with a schema as a schema, nil if
// nothing is.
func CheckSchema(schema any) (*Error, error) {
	root, err := Parse(jsontext.Value(meta))
	if err != nil {
		return nil, err
	}
	found, err := (&Schema{Root: root, Formats: true}).Errors(schema)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}
