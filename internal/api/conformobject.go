package api

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// object judges the members that the schema names, in its order, then the others.
func (c *conformer) object(s *shape, v jsontext.Value, at []any) jsontext.Value {
	if s.Parameters {
		return c.parameters(s, v, at)
	}
	if v.Kind() != '{' {
		kind, msg := "dict_type", "Input should be a valid dictionary"
		if len(s.Members) > 0 {
			kind, msg = "model_attributes_type", "Input should be a valid dictionary or object to extract fields from"
		}
		c.wrong(kind, at, msg, v)
		return v
	}
	o := openObject(v)
	if refuse := refused[s.name]; refuse != nil {
		if why := refuse(o); why != "" {
			c.wrong("value_error", at, "Value error, "+why, v)
			return v
		}
	}
	before := len(c.found)
	for _, m := range s.Members {
		value, isThere := o.get(m.name)
		switch {
		case isThere && m.name == "name" && isNothing(value) && slices.Contains(named, s.name):
			o.set(m.name, quote(""))
		case isThere:
			o.set(m.name, c.member(s, m, value, below(at, m.name)))
		case slices.Contains(s.Required, m.name):
			c.wrong("missing", below(at, m.name), "Field required", v)
		}
	}
	c.others(s, o, at)
	if judge := judged[s.name]; judge != nil && len(c.found) == before {
		if why := judge(o); why != "" {
			c.wrong("value_error", at, "Value error, "+why, v)
		}
	}
	return o.text()
}

// others judges the members that the schema does not name.
func (c *conformer) others(s *shape, o *object, at []any) {
	other := s.others()
	if other == nil && string(s.Extra) != "false" {
		return
	}
	for _, name := range o.names {
		if s.member(name) != nil {
			continue
		}
		value, _ := o.get(name)
		if other == nil {
			c.wrong("extra_forbidden", below(at, name), "Extra inputs are not permitted", value)
			continue
		}
		o.set(name, c.value(other, value, below(at, name)))
	}
}

// parameters judges the parameters of an operation: null is as good as absent, and a body
// that can't have them lacks them all.
func (c *conformer) parameters(s *shape, v jsontext.Value, at []any) jsontext.Value {
	isObject := v.Kind() == '{'
	o := &object{}
	if isObject {
		o = openObject(v)
	}
	for _, m := range s.Members {
		value, isThere := o.get(m.name)
		switch {
		case isThere && value.Kind() != 'n':
			o.set(m.name, c.value(m.shape, value, below(at, m.name)))
		case slices.Contains(s.Required, m.name), !isObject && v.Kind() != 'n':
			c.wrong("missing", below(at, m.name), "Field required", nil)
		}
	}
	if !isObject {
		return jsontext.Value("{}")
	}
	return o.text()
}

// pageLimit reads the limit of a page, which is the first parameter.
func (c *conformer) pageLimit(s *shape, body []byte) (limit Opt[int], _ error) {
	m := s.Members[0]
	value := valueBelow(body, m.name)
	if len(value) == 0 || value.Kind() == 'n' {
		return limit, nil
	}
	try := conformer{}
	plain := try.value(m.shape, value, nil)
	if len(try.found) > 0 && try.found[0].Type != tooManyDigits {
		return limit, nil // it is told with the rest
	}
	f, err := strconv.ParseFloat(string(plain), 64)
	return Some(int(max(-1, min(f, MaxPage+1)))), err
}

// object is a JSON object whose members can be replaced.
type object struct {
	raw     jsontext.Value
	names   []string
	values  map[string]jsontext.Value
	changed bool
}

// openObject reads the members; of equal names the last counts.
func openObject(v jsontext.Value) *object {
	o := &object{raw: v, values: map[string]jsontext.Value{}}
	dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return o
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return o
		}
		name := token.String()
		value, err := dec.ReadValue()
		if err != nil {
			return o
		}
		_, again := o.values[name]
		if !again {
			o.names = append(o.names, name)
		}
		o.changed = o.changed || again
		o.values[name] = value.Clone()
	}
	return o
}

func (o *object) get(name string) (jsontext.Value, bool) {
	v, ok := o.values[name]
	return v, ok
}

func (o *object) set(name string, v jsontext.Value) {
	before, isThere := o.values[name]
	if !isThere {
		o.names = append(o.names, name)
	}
	o.changed = o.changed || !bytes.Equal(before, v)
	o.values[name] = v
}

// text is the object as JSON: as it came unless a member changed.
func (o *object) text() jsontext.Value {
	if !o.changed {
		return o.raw
	}
	list := make([]jsontext.Value, len(o.names))
	for i, name := range o.names {
		list[i] = append(append(quote(name), ':'), o.values[name]...)
	}
	return joined('{', list, '}')
}
