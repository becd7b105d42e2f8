// Package declare keeps what a server has in line with documents that users write: it
// exports objects as documents, finds out what a set of documents would change, and
// changes it. Names identify objects, never ids, so that a document fits any server.
package declare

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// fields are the members of an object as JSON.
type fields map[string]jsontext.Value

// text is a member that is a text, "" where it is something else.
func (f fields) text(name string) (text string) {
	_ = json.Unmarshal(f[name], &text) // not a text: ""
	return text
}

// Object is one thing as a document declares it or a server has it.
type Object struct {
	Kind string
	Name string
	// Place is file:line:column of a declared object.
	Place string

	kind    *kind
	fields  fields
	id      string
	secrets []string // the members of data that must not be shown
}

// Kinds are the names of what can be declared, in the order in which it is made.
func Kinds() []string {
	names := []string{}
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Document is the object as JSON in the order of its kind.
func (o *Object) Document() (jsontext.Value, error) {
	var text strings.Builder
	enc := jsontext.NewEncoder(&text)
	write := func(name string, value jsontext.Value) error {
		if err := enc.WriteToken(jsontext.String(name)); err != nil {
			return err
		}
		return enc.WriteValue(value)
	}
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return nil, err
	}
	for _, head := range [][2]string{{"kind", o.Kind}, {"name", o.Name}} {
		value, err := json.Marshal(head[1])
		if err != nil {
			return nil, err
		}
		if err := write(head[0], value); err != nil {
			return nil, err
		}
	}
	for _, name := range o.kind.fields {
		value, ok := o.fields[name]
		if !ok || value.Kind() == 'n' && o.Kind != variableKind {
			continue
		}
		if err := write(name, value); err != nil {
			return nil, err
		}
	}
	if err := enc.WriteToken(jsontext.EndObject); err != nil {
		return nil, err
	}
	return jsontext.Value(text.String()), nil
}

func byName(name string) (*kind, error) {
	all := kinds()
	if i := slices.IndexFunc(all, func(k *kind) bool { return k.name == name || k.name+"s" == name }); i >= 0 {
		return all[i], nil
	}
	return nil, api.Errorf(api.CodeInvalid, "there is no kind %q; the kinds are %s", name, strings.Join(Kinds(), ", "))
}
