package automation

import (
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// object reads the members of one JSON object and collects what is wrong with them.
type object struct {
	raw     jsontext.Value
	members map[string]jsontext.Value
	at      []any
	found   *[]api.Violation
}

// open starts to read raw, which must be an object.
func open(raw jsontext.Value, at []any, found *[]api.Violation) (*object, bool) {
	o := &object{raw: raw, at: at, found: found}
	if raw.Kind() != '{' || json.Unmarshal(raw, &o.members, jsontext.AllowDuplicateNames(true)) != nil {
		o.problem("model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
		return o, false
	}
	return o, true
}

// problem is about the whole object.
func (o *object) problem(kind, msg string) {
	*o.found = append(*o.found, api.Violation{Type: kind, Loc: o.at, Msg: msg, Input: o.raw})
}

// wrong is about one member.
func (o *object) wrong(name, kind, msg string) {
	*o.found = append(*o.found, api.Violation{Type: kind, Loc: o.place(name), Msg: msg, Input: o.members[name]})
}

func (o *object) place(name string) []any { return append(slices.Clone(o.at), name) }

// required says whether the member is there, and notes it when it is not.
func (o *object) required(name string) bool {
	if o.has(name) {
		return true
	}
	*o.found = append(*o.found, api.Violation{Type: "missing", Loc: o.place(name), Msg: "Field required", Input: o.raw})
	return false
}

func (o *object) has(name string) bool {
	_, has := o.members[name]
	return has
}

func (o *object) isNull(name string) bool { return o.members[name].Kind() == 'n' }

// text reads a string, def when it is absent.
func (o *object) text(name, def string) string {
	if o.has(name) && json.Unmarshal(o.members[name], &def) != nil || o.isNull(name) {
		o.wrong(name, "string_type", "Input should be a valid string")
	}
	return def
}

// optionalText reads a string that may be null or absent.
func (o *object) optionalText(name string) *string {
	if !o.has(name) || o.isNull(name) {
		return nil
	}
	text := o.text(name, "")
	return &text
}

// choice reads one of some words.
func (o *object) choice(name, def string, words ...string) string {
	text := def
	if o.has(name) && (json.Unmarshal(o.members[name], &text) != nil || !slices.Contains(words, text)) {
		o.wrong(name, "literal_error", "Input should be "+api.Choices(words))
	}
	return text
}

// flag reads a boolean, false when it is absent.
func (o *object) flag(name string) (v bool) {
	if o.has(name) && json.Unmarshal(o.members[name], &v) != nil {
		o.wrong(name, "bool_parsing", "Input should be a valid boolean, unable to interpret input")
	}
	return v
}

// number reads an integer, which may be written as a string.
func (o *object) number(name string, def int) int {
	if !o.has(name) {
		return def
	}
	var text string
	v := o.members[name]
	if json.Unmarshal(v, &text) == nil {
		v = jsontext.Value(text)
	}
	n, err := strconv.Atoi(string(v))
	if err != nil {
		o.wrong(name, "int_parsing", "Input should be a valid integer, unable to parse string as an integer")
	}
	return n
}

// id reads a UUID that may be null or absent.
func (o *object) id(name string) *uuid.UUID {
	if !o.has(name) || o.isNull(name) {
		return nil
	}
	id, err := uuid.Parse(o.text(name, ""))
	if err != nil {
		o.wrong(name, "uuid_parsing", "Input should be a valid UUID")
	}
	return &id
}

// duration reads a length of time, def when it is absent.
func (o *object) duration(name string, def time.Duration) time.Duration {
	if !o.has(name) {
		return def
	}
	d, err := api.ParseDuration(o.members[name])
	if err != nil {
		*o.found = append(*o.found, api.NoDuration(o.members[name], err, o.place(name)...))
	}
	return d
}

// set reads a list of strings without repetitions.
func (o *object) set(name string) []string {
	list, out := []string{}, []string{}
	if o.has(name) && (json.Unmarshal(o.members[name], &list) != nil || o.isNull(name)) {
		o.wrong(name, "set_type", "Input should be a valid set")
	}
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// mapping reads an object that may be null or absent; then it is null.
func (o *object) mapping(name string) jsontext.Value {
	switch v := o.members[name]; v.Kind() {
	case '{':
		return v
	case 'n':
	default:
		if o.has(name) {
			o.wrong(name, "dict_type", "Input should be a valid dictionary")
		}
	}
	return jsontext.Value("null")
}
