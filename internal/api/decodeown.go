package api

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DecodeStrict reads a request of those that refuse members they do not know, and checks it by
// the hosted service's schema for the operation, named by its method and path with {} for what
// varies, if there is one, and by the tags of its type. Errors are those of Decode.
func DecodeStrict(operation string, body []byte, v any) error {
	if len(body) == 0 {
		body = []byte("{}")
	}
	if s := governed()[operation]; s != nil && jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) {
		c := &conformer{}
		plain := c.body(s, body)
		if len(c.found) > 0 {
			return Invalid(body, c.found...)
		}
		body = plain
	}
	err := json.Unmarshal(body, v, json.RejectUnknownMembers(true))
	if err != nil && !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) {
		return Decode(body, v)
	}
	if err != nil {
		problem := decodeViolation(body, err)
		if errors.Is(err, json.ErrUnknownName) {
			problem.Type, problem.Msg = "extra_forbidden", "Extra inputs are not permitted"
		}
		return Invalid(body, problem)
	}
	var missing []Violation
	if value := reflect.ValueOf(v).Elem(); value.Kind() == reflect.Slice {
		var elements []jsontext.Value
		if err := json.Unmarshal(body, &elements); err != nil {
			return Invalid(body, decodeViolation(body, err))
		}
		for i, e := range elements {
			missing = append(missing, lacking(e, value.Type().Elem(), "body", i)...)
		}
	} else {
		missing = lacking(body, value.Type(), "body")
	}
	if len(missing) > 0 {
		return Invalid(body, missing...)
	}
	if !conforms(reflect.ValueOf(v).Elem(), &place{body: body}) {
		return Invalid(body, Violation{Type: "value_error", Loc: []any{"body"}, Msg: "Value error, a text is too long, or a number out of its bounds"})
	}
	return nil
}

// lacking tells which members of an object are not there that must be.
func lacking(body jsontext.Value, t reflect.Type, at ...any) (list []Violation) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var object map[string]jsontext.Value
	if json.Unmarshal(body, &object) != nil {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !slices.Contains(strings.Split(f.Tag.Get("check"), ","), "required") {
			continue
		}
		if _, has := object[name]; !has {
			list = append(list, Violation{Type: "missing", Loc: append(slices.Clone(at), name), Msg: "Field required", Input: body})
		}
	}
	return list
}
