package api

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// explain judges a body by the contract's schema for v, which takes longer than reading
// it into v but finds all that is wrong, in the contract's order and words, and takes what
// the contract takes although it is written differently: "5" for 5, 1 for true.
func explain(body []byte, v any) error {
	s := shapeOf(reflect.TypeOf(v).Elem())
	if s == nil {
		return nil
	}
	c := &conformer{}
	if s.Page {
		limit, err := c.pageLimit(s, body)
		if err == nil {
			_, err = PageLimit(limit)
		}
		if err != nil {
			return err
		}
	}
	body = fill(s, body)
	plain := c.body(s, body)
	if len(c.found) > 0 {
		return Invalid(body, c.found...)
	}
	if err := json.Unmarshal(plain, v, lenient); err != nil {
		return Invalid(body, decodeViolation(body, err))
	}
	return nil
}

// body judges the whole body, which must be there unless it only carries parameters.
func (c *conformer) body(s *shape, v jsontext.Value) jsontext.Value {
	if v.Kind() == 'n' && !s.Parameters {
		c.wrong("missing", []any{"body"}, "Field required", nil)
		return v
	}
	return c.value(s, v, []any{"body"})
}

// conformer collects what is wrong with a value.
type conformer struct{ found []Violation }

func (c *conformer) wrong(kind string, at []any, msg string, input jsontext.Value, ctx ...jsontext.Value) {
	v := Violation{Type: kind, Loc: at, Msg: msg, Input: input.Clone()}
	if len(ctx) > 0 {
		v.Ctx = ctx[0]
	}
	c.found = append(c.found, v)
}

func below(at []any, part any) []any { return append(slices.Clone(at), part) }

// value judges v by s and returns it as its Go type reads it.
func (c *conformer) value(s *shape, v jsontext.Value, at []any) jsontext.Value {
	s = s.resolved()
	v = jsontext.Value(bytes.TrimSpace(v))
	if options, null := s.options(); len(options) > 0 {
		if null && v.Kind() == 'n' {
			return v
		}
		return c.union(options, v, at)
	}
	switch {
	case len(s.Enum.values) > 0:
		return c.enum(s, v, at)
	case len(s.Const) > 0:
		return c.literal(s, v, at)
	}
	switch s.Type {
	case "object":
		return c.object(s, v, at)
	case "array":
		return c.array(s, v, at)
	case "string":
		return c.text(s, v, at)
	case "integer":
		return c.sized(c.bounded(s, c.integer(v, at), at), at)
	case "number":
		return c.bounded(s, c.number(v, at), at)
	case "boolean":
		return c.boolean(v, at)
	}
	return v
}

// union takes the alternative that fits as it is, else the first that fits somehow, and
// else says of each what does not fit.
func (c *conformer) union(options []*shape, v jsontext.Value, at []any) jsontext.Value {
	if len(options) == 1 {
		return c.value(options[0], v, at)
	}
	if read := readers[options[0].name]; read != nil {
		c.ruled(read, options, v, at)
		return v
	}
	if len(at) > deepPlace {
		return v
	}
	var fits jsontext.Value
	var all []Violation
	for _, o := range options {
		try := conformer{}
		out := try.value(o, v, below(at, o.label()))
		if len(try.found) == 0 && bytes.Equal(out, v) {
			return v
		}
		if len(try.found) == 0 && fits == nil {
			fits = out
		}
		all = append(all, try.found...)
	}
	if fits == nil {
		c.found = append(c.found, all...)
	}
	return fits
}

func (c *conformer) enum(s *shape, v jsontext.Value, at []any) jsontext.Value {
	if s.Enum.has(v) || s.Also.has(v) {
		return v
	}
	kind := "enum"
	if s.name == "" {
		kind = "literal_error"
	}
	c.wrong(kind, at, "Input should be "+s.Enum.String(), v, member("expected", quote(s.Enum.String())))
	return v
}

func (c *conformer) literal(s *shape, v jsontext.Value, at []any) jsontext.Value {
	if !bytes.Equal(s.Const, v) {
		word := strings.ReplaceAll(string(s.Const), `"`, "'")
		c.wrong("literal_error", at, "Input should be "+word, v, member("expected", quote(word)))
	}
	return v
}

func (c *conformer) array(s *shape, v jsontext.Value, at []any) jsontext.Value {
	if v.Kind() != '[' && s.sequence {
		c.noSequence(v, at)
		return v
	}
	if v.Kind() != '[' {
		kind, noun := "list_type", "list"
		if s.Unique {
			kind, noun = "set_type", "set"
		}
		c.wrong(kind, at, "Input should be a valid "+noun, v)
		return v
	}
	var list []jsontext.Value
	if err := json.Unmarshal(v, &list, jsontext.AllowDuplicateNames(true)); err != nil || s.Items == nil {
		return v
	}
	before := len(c.found)
	changed := false
	for i, item := range list {
		list[i] = c.value(s.Items, item, below(at, i))
		changed = changed || !bytes.Equal(list[i], bytes.TrimSpace(item))
	}
	if before == len(c.found) {
		c.length(s, len(list), v, at)
	}
	if changed {
		v = joined('[', list, ']')
	}
	return v
}

func (c *conformer) noSequence(v jsontext.Value, at []any) {
	if v.Kind() == '"' {
		c.wrong("sequence_str", at, "'str' instances are not allowed as a Sequence value", v, member("type_name", quote("str")))
		return
	}
	c.wrong("is_instance_of", at, "Input should be an instance of Sequence", v, member("class", quote("Sequence")))
}

func (c *conformer) length(s *shape, n int, v jsontext.Value, at []any) {
	if s.MaxItems != nil && n > *s.MaxItems {
		ctx := fmt.Sprintf(`{"field_type":"List","max_length":%d,"actual_length":%d}`, *s.MaxItems, n)
		c.wrong("too_long", at, fmt.Sprintf("List should have at most %d item%s after validation, not %d", *s.MaxItems, plural(*s.MaxItems), n), v, jsontext.Value(ctx))
	}
	if s.MinItems != nil && n < *s.MinItems {
		ctx := fmt.Sprintf(`{"field_type":"List","min_length":%d,"actual_length":%d}`, *s.MinItems, n)
		c.wrong("too_short", at, fmt.Sprintf("List should have at least %d item%s after validation, not %d", *s.MinItems, plural(*s.MinItems), n), v, jsontext.Value(ctx))
	}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func joined(open byte, list []jsontext.Value, end byte) jsontext.Value {
	out := jsontext.Value{open}
	for i, item := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, item...)
	}
	return append(out, end)
}

func (c *conformer) text(s *shape, v jsontext.Value, at []any) jsontext.Value {
	switch s.Format {
	case "uuid":
		return c.uuid(v, at)
	case "date-time":
		return c.time(v, at)
	}
	if v.Kind() != '"' {
		kind := "string"
		if s.Media != "" {
			kind = "bytes"
		}
		c.wrong(kind+"_type", at, "Input should be a valid "+kind, v)
		return v
	}
	text := unquoted(v)
	n := utf8.RuneCountInString(text)
	if s.MinLength != nil && n < *s.MinLength {
		c.wrong("string_too_short", at, fmt.Sprintf("String should have at least %d character%s", *s.MinLength, plural(*s.MinLength)), v, member("min_length", jsontext.Value(strconv.Itoa(*s.MinLength))))
		return v
	}
	if s.MaxLength != nil && n > *s.MaxLength {
		c.wrong("string_too_long", at, fmt.Sprintf("String should have at most %d character%s", *s.MaxLength, plural(*s.MaxLength)), v, member("max_length", jsontext.Value(strconv.Itoa(*s.MaxLength))))
		return v
	}
	if s.Pattern != "" && !s.matches(text) {
		c.wrong("string_pattern_mismatch", at, "String should match pattern '"+s.Pattern+"'", v, member("pattern", quote(s.Pattern)))
	}
	return v
}

func unquoted(v jsontext.Value) string {
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return ""
	}
	return string(text)
}
