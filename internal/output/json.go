package output

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// encode returns v as JSON, reduced to the fields if any are named.
func encode(v any, fields []string) (jsontext.Value, error) {
	document, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write the result as JSON: %w", err)
	}
	if len(fields) == 0 {
		return document, nil
	}
	return pick(document, fields)
}

// pick keeps only the named members of an object, or of each object of a list,
// in the order they are named.
func pick(document jsontext.Value, fields []string) (jsontext.Value, error) {
	if document.Kind() == '[' {
		var items []jsontext.Value
		if err := json.Unmarshal(document, &items); err != nil {
			return nil, fmt.Errorf("choose fields: %w", err)
		}
		for i, item := range items {
			picked, err := pick(item, fields)
			if err != nil {
				return nil, err
			}
			items[i] = picked
		}
		return json.Marshal(items)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(document, &members); err != nil {
		return nil, fmt.Errorf("choose fields: %w", err)
	}
	return join(members, fields)
}

func join(members map[string]jsontext.Value, fields []string) (jsontext.Value, error) {
	var object bytes.Buffer
	enc := jsontext.NewEncoder(&object)
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return nil, err
	}
	for _, field := range fields {
		value, ok := members[field]
		if !ok {
			value = jsontext.Value("null")
		}
		if err := enc.WriteToken(jsontext.String(field)); err != nil {
			return nil, err
		}
		if err := enc.WriteValue(value); err != nil {
			return nil, err
		}
	}
	if err := enc.WriteToken(jsontext.EndObject); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(object.Bytes()), nil
}

// json writes the document the way the reference does: indented by two.
func (p *Printer) json(document jsontext.Value) error {
	if err := document.Indent(jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("indent the result: %w", err)
	}
	return p.Line(string(document))
}

// FieldsOf returns the names of the JSON members of T, sorted.
func FieldsOf[T any]() []string {
	return slices.Sorted(slices.Values(members(reflect.TypeFor[T]())))
}

func members(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous && field.Type.Kind() == reflect.Struct && field.Tag.Get("json") == "" {
			names = append(names, members(field.Type)...)
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}
