package core

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// badLabels words, for each kind of value that a label may have, that it is none.
func badLabels(values map[string]jsontext.Value, at ...any) (found []api.Violation) {
	names := make([]string, 0, len(values))
	for name, v := range values {
		if kind := v.Kind(); kind == '{' || kind == '[' || kind == 'n' {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	kinds := [...][3]string{{"bool", "bool_type", "boolean"}, {"int", "int_type", "integer"}, {"float", "float_type", "number"}, {"str", "string_type", "string"}}
	for _, name := range names {
		for _, kind := range kinds {
			found = append(found, api.Violation{
				Type: kind[1], Loc: append(slices.Clone(at), name, kind[0]), Msg: "Input should be a valid " + kind[2], Input: values[name],
			})
		}
	}
	return found
}
