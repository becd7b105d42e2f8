package block

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/output"
)

// field is what a person wants to know of one value of a block.
type field struct {
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Type        string         `json:"type"`
	Format      string         `json:"format"`
	Default     jsontext.Value `json:"default"`
}

// fieldsText lists the values that a block of this schema has, the needed ones marked.
func fieldsText(schema *api.BlockSchema) string {
	if schema == nil {
		return ""
	}
	var fields struct {
		Properties jsontext.Value `json:"properties"`
		Required   []string       `json:"required"`
		Secret     []string       `json:"secret_fields"`
	}
	if json.Unmarshal(schema.Fields, &fields) != nil {
		return ""
	}
	var lines []string
	eachMember(fields.Properties, func(name string, raw jsontext.Value) {
		var f field
		if json.Unmarshal(raw, &f) == nil {
			lines = append(lines, f.line(name, slices.Contains(fields.Required, name), slices.Contains(fields.Secret, name)))
		}
	})
	return strings.Join(lines, "\n")
}

func (f field) line(name string, required, secret bool) string {
	marks := []string{}
	if f.Type != "" {
		marks = append(marks, f.Type)
	}
	if required {
		marks = append(marks, "required")
	}
	if secret {
		marks = append(marks, "secret")
	}
	if def := output.Compact(f.Default); def != "" {
		marks = append(marks, "default "+def)
	}
	line := name
	if len(marks) > 0 {
		line += " (" + strings.Join(marks, ", ") + ")"
	}
	if f.Description != "" {
		line += ": " + firstSentence(strings.Join(strings.Fields(f.Description), " "))
	}
	return line
}

// eachMember calls fn for the members of an object, in its order.
func eachMember(object jsontext.Value, fn func(name string, value jsontext.Value)) {
	dec := jsontext.NewDecoder(strings.NewReader(string(object)))
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return
		}
		fn(key, value.Clone())
	}
}
