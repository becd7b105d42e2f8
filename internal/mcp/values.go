package mcp

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Values are the arguments of a call. A tool's are checked before it is called.
type Values map[string]jsontext.Value

// Text is an argument that is a text, "" where there is none.
func (v Values) Text(name string) (text string) {
	_ = json.Unmarshal(v[name], &text) // checked before
	return text
}

// Number is an argument that is a whole number, otherwise where there is none.
func (v Values) Number(name string, otherwise int) int {
	n := otherwise
	_ = json.Unmarshal(v[name], &n) // checked before
	return n
}

// kind is the kind of JSON value that a type of JSON Schema takes.
func kind(schemaType string) jsontext.Kind {
	switch schemaType {
	case "string":
		return '"'
	case "integer":
		return '0'
	}
	return '{'
}

// check refuses arguments that are missing, unknown or of another type.
func (t *Tool) check(values Values) error {
	known := map[string]bool{}
	for _, a := range t.Arguments {
		known[a.Name] = true
		value, given := values[a.Name]
		if !given && a.Required {
			return fmt.Errorf("%s needs the argument %s", t.Name, a.Name)
		}
		var whole int
		if given && (value.Kind() != kind(a.Type) || a.Type == "integer" && json.Unmarshal(value, &whole) != nil) {
			return fmt.Errorf("the argument %s of %s must be of type %s", a.Name, t.Name, a.Type)
		}
	}
	for name := range values {
		if !known[name] {
			return fmt.Errorf("%s has no argument %s", t.Name, name)
		}
	}
	return nil
}
