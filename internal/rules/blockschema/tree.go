// Package blockschema holds the rules of blocks that need no database: the checksum of a
// schema, which values of a document are secret, and which of them refer to other blocks.
package blockschema

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// tree is a JSON value whose numbers and member order are as they were written.
type tree struct {
	scalar  jsontext.Value // of what is no object and no list
	members []member       // of an object
	items   []tree         // of a list
	kind    jsontext.Kind
}

type member struct {
	name  string
	value tree
}

func parse(raw jsontext.Value) (tree, error) {
	return read(jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true)))
}

func read(dec *jsontext.Decoder) (t tree, err error) {
	t.kind = dec.PeekKind()
	if t.kind != '{' && t.kind != '[' {
		v, err := dec.ReadValue()
		t.scalar = v.Clone()
		return t, err
	}
	if _, err = dec.ReadToken(); err != nil {
		return t, err
	}
	for dec.PeekKind() != '}' && dec.PeekKind() != ']' {
		var m member
		if t.kind == '{' {
			name, err := dec.ReadToken()
			if err != nil {
				return t, err
			}
			m.name = name.String()
		}
		if m.value, err = read(dec); err != nil {
			return t, err
		}
		if t.kind == '[' {
			t.items = append(t.items, m.value)
			continue
		}
		t.set(m.name, m.value)
	}
	_, err = dec.ReadToken()
	return t, err
}

// set gives a member a value; an existing one keeps its place.
func (t *tree) set(name string, v tree) {
	for i := range t.members {
		if t.members[i].name == name {
			t.members[i].value = v
			return
		}
	}
	t.members = append(t.members, member{name, v})
}

// get returns a member of an object, nil when it has none or is none.
func (t *tree) get(name string) *tree {
	if t == nil {
		return nil
	}
	for i := range t.members {
		if t.members[i].name == name {
			return &t.members[i].value
		}
	}
	return nil
}

func (t *tree) remove(name string) {
	for i := range t.members {
		if t.members[i].name == name {
			t.members = append(t.members[:i:i], t.members[i+1:]...)
			return
		}
	}
}

// text is the value of a JSON string, "" for anything else.
func (t *tree) text() string {
	if t == nil || t.kind != '"' {
		return ""
	}
	s, err := jsontext.AppendUnquote(nil, t.scalar)
	if err != nil {
		return ""
	}
	return string(s)
}

func (t *tree) value() jsontext.Value { return t.append(nil) }

func (t *tree) append(out []byte) []byte {
	switch t.kind {
	case '{':
		out = append(out, '{')
		for i := range t.members {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(quoted(out, t.members[i].name), ':')
			out = t.members[i].value.append(out)
		}
		return append(out, '}')
	case '[':
		out = append(out, '[')
		for i := range t.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = t.items[i].append(out)
		}
		return append(out, ']')
	}
	return append(out, t.scalar...)
}

// quoted appends a JSON string. Invalid UTF-8, the only failure, is replaced.
func quoted(out []byte, s string) []byte {
	out, _ = jsontext.AppendQuote(out, s)
	return out
}
