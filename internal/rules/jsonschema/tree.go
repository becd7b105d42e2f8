package jsonschema

import (
	"bytes"
	"math/big"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Object is a JSON object that keeps the order of its members.
type Object struct {
	names  []string
	values map[string]any
}

// NewObject returns an empty object.
func NewObject() *Object { return &Object{values: map[string]any{}} }

// Get returns a member.
func (o *Object) Get(name string) (any, bool) {
	v, ok := o.values[name]
	return v, ok
}

// Set adds or replaces a member.
func (o *Object) Set(name string, v any) {
	if _, have := o.values[name]; !have {
		o.names = append(o.names, name)
	}
	o.values[name] = v
}

// Delete removes a member.
func (o *Object) Delete(name string) {
	if _, have := o.values[name]; !have {
		return
	}
	delete(o.values, name)
	kept := o.names[:0:0]
	for _, n := range o.names {
		if n != name {
			kept = append(kept, n)
		}
	}
	o.names = kept
}

// Names returns the names of the members in their order.
func (o *Object) Names() []string { return o.names }

// object returns a member that is an object.
func (o *Object) object(name string) *Object {
	inner, _ := o.values[name].(*Object)
	return inner
}

// MarshalJSONTo writes the members in their order.
func (o *Object) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, name := range o.names {
		if err := enc.WriteToken(jsontext.String(name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, o.values[name]); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// Number is a JSON number as it was written.
type Number string

// MarshalJSONTo writes the number as it was written.
func (n Number) MarshalJSONTo(enc *jsontext.Encoder) error { return enc.WriteValue(jsontext.Value(n)) }

func (n Number) rat() *big.Rat {
	if r, ok := new(big.Rat).SetString(string(n)); ok && len(n) < 400 {
		return r
	}
	return new(big.Rat)
}

func (n Number) isFloat() bool { return strings.ContainsAny(string(n), ".eE") }

// Parse reads JSON into nil, bool, string, Number, []any and *Object.
func Parse(raw jsontext.Value) (any, error) {
	return parse(jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true)))
}

func parse(dec *jsontext.Decoder) (any, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case 'n':
		return nil, nil //nolint:nilnil // it is what JSON's null is
	case 't', 'f':
		return token.Bool(), nil
	case '"':
		return token.String(), nil
	case '0':
		return Number(token.String()), nil
	case '[':
		return parseList(dec)
	}
	return parseObject(dec)
}

func parseList(dec *jsontext.Decoder) (any, error) {
	list := []any{}
	for dec.PeekKind() != ']' {
		v, err := parse(dec)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := dec.ReadToken()
	return list, err
}

func parseObject(dec *jsontext.Decoder) (any, error) {
	o := NewObject()
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		v, err := parse(dec)
		if err != nil {
			return nil, err
		}
		o.Set(name, v)
	}
	_, err := dec.ReadToken()
	return o, err
}

// Clone copies a tree.
func Clone(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = Clone(v[i])
		}
		return list
	case *Object:
		o := NewObject()
		for _, name := range v.names {
			o.Set(name, Clone(v.values[name]))
		}
		return o
	}
	return v
}

// equal compares two trees; a boolean is no number.
func equal(a, b any) bool {
	switch a := a.(type) {
	case Number:
		other, ok := b.(Number)
		return ok && a.rat().Cmp(other.rat()) == 0
	case []any:
		other, ok := b.([]any)
		if !ok || len(a) != len(other) {
			return false
		}
		for i := range a {
			if !equal(a[i], other[i]) {
				return false
			}
		}
		return true
	case *Object:
		other, ok := b.(*Object)
		if !ok || len(a.names) != len(other.names) {
			return false
		}
		for _, name := range a.names {
			v, have := other.Get(name)
			if !have || !equal(a.values[name], v) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case Number, []any, *Object:
		return false
	}
	return a == b
}
