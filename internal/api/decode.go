package api

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Violation is one thing wrong with a request, in the shape of the reference's answers.
type Violation struct {
	Type  string         `json:"type"`
	Loc   []any          `json:"loc"`
	Msg   string         `json:"msg"`
	Input jsontext.Value `json:"input"`
	Ctx   jsontext.Value `json:"ctx,omitzero"` // what the rule that is broken asks for
}

// Invalid makes the error of a request that breaks the contract: status 422, with the
// violations as exception_detail and the request's body repeated.
func Invalid(body jsontext.Value, violations ...Violation) *Error {
	for i := range violations {
		if len(violations[i].Input) == 0 {
			violations[i].Input = jsontext.Value("null")
		}
		if len(violations[i].Ctx) == 0 && strings.HasPrefix(violations[i].Msg, "Value error, ") {
			violations[i].Ctx = jsontext.Value(`{"error":{}}`)
		}
	}
	isRepeated := len(body) > 0 && string(body) != null
	if !body.IsValid(lenient) {
		body, _ = json.Marshal(string(body))
	}
	detail, err := json.Marshal(struct {
		Message string         `json:"exception_message"`
		Detail  []Violation    `json:"exception_detail"`
		Body    jsontext.Value `json:"request_body"`
	}{"Invalid request received.", violations, body}, lenient)
	message := "invalid request"
	if len(violations) > 0 {
		message = fmt.Sprintf("invalid request: %s: %s", location(violations[0].Loc), violations[0].Msg)
	}
	return &Error{Code: CodeInvalid, Message: message, Detail: detail, Cause: err, Violations: violations, repeats: isRepeated}
}

// WithBody returns the error of a request whose violations were found without looking at
// its body, with the body and the inputs that it repeats; other errors as they are.
func WithBody(err error, body []byte) error {
	var e *Error
	if !errors.As(err, &e) || len(e.Violations) == 0 || len(body) == 0 || e.repeats {
		return err
	}
	for i := range e.Violations {
		v := &e.Violations[i]
		if string(v.Input) == null && len(v.Loc) > 1 && v.Loc[0] == "body" {
			pointer := jsontext.Pointer("")
			for _, part := range v.Loc[1:] {
				pointer = pointer.AppendToken(fmt.Sprint(part))
			}
			v.Input = valueAt(body, pointer)
		}
	}
	return Invalid(body, e.Violations...)
}

func location(loc []any) string {
	parts := make([]string, len(loc))
	for i, p := range loc {
		parts[i] = fmt.Sprint(p)
	}
	return strings.Join(parts, ".")
}

// lenient is for what is only repeated: the last of duplicate members wins, and half of a
// surrogate pair is replaced.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// Decode reads a request body into v, the way the reference does: unknown members are
// ignored, of duplicate members the last wins, and what breaks the contract (types,
// required members, the checks of the struct tags) comes back as one Invalid error.
func Decode(body []byte, v any) error {
	if events, ok := v.(*Events); ok && events.read(body) {
		return nil
	}
	if len(body) == 0 {
		body = []byte(null)
	}
	err := json.Unmarshal(body, v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(false))
	if err == nil && string(body) != null && conforms(reflect.ValueOf(v).Elem(), &place{body: body}) {
		return nil
	}
	if err != nil && !utf8.Valid(body) {
		return Errorf(CodeMalformed, "There was an error parsing the body: it is not UTF-8")
	}
	if err != nil && !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) {
		p := parse(body)
		if p.problem != "" {
			return Invalid(body, p.violation())
		}
		body = p.plain()
	}
	if shapeOf(reflect.TypeOf(v).Elem()) == nil {
		if err != nil {
			return Invalid(body, decodeViolation(body, err))
		}
		return nil
	}
	reflect.ValueOf(v).Elem().SetZero()
	return explain(body, v)
}

func decodeViolation(body []byte, err error) Violation {
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		return Violation{Type: "value_error", Loc: []any{"body"}, Msg: err.Error()}
	}
	out := Violation{Loc: append([]any{"body"}, pointerParts(semantic.JSONPointer)...)}
	out.Type, out.Msg = expectation(semantic)
	out.Input = valueAt(body, semantic.JSONPointer)
	if out.Input.Kind() == '"' {
		detail(&out)
	}
	return out
}

// detail says of a text where it is no time or no UUID, as the contract's answers do.
func detail(v *Violation) {
	var text string
	if json.Unmarshal(v.Input, &text) != nil {
		return
	}
	switch v.Type {
	case "datetime_from_date_parsing":
		v.Type, v.Msg = "value_error", "Value error, Unable to parse string ["+text+"]"
	case "uuid_parsing":
		i := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF-", r) })
		if i < 0 {
			return
		}
		bad, _ := utf8.DecodeRuneInString(text[i:])
		problem := fmt.Sprintf("invalid character: found `%c` at %d", bad, i+1)
		v.Msg, v.Ctx = v.Msg+", "+problem, member("error", quote(problem))
	}
}

// expectation words what a Go type expects as pydantic's error types do.
func expectation(e *json.SemanticError) (kind, msg string) {
	t := e.GoType
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nil:
	case t == reflect.TypeFor[Time]():
		return "datetime_from_date_parsing", "Input should be a valid datetime"
	case strings.HasSuffix(t.String(), "uuid.UUID"):
		return "uuid_parsing", "Input should be a valid UUID"
	case t.Kind() == reflect.String:
		return "string_type", "Input should be a valid string"
	case t.Kind() == reflect.Bool:
		return "bool_parsing", "Input should be a valid boolean, unable to interpret input"
	case t.Kind() == reflect.Int:
		return expectedNumber(e.JSONKind, "int", "integer")
	case t.Kind() == reflect.Float64:
		return expectedNumber(e.JSONKind, "float", "number")
	case t.Kind() == reflect.Slice:
		return "list_type", "Input should be a valid list"
	case t.Kind() == reflect.Map:
		return "dict_type", "Input should be a valid dictionary"
	case t.Kind() == reflect.Struct:
		return "model_attributes_type", "Input should be a valid dictionary or object to extract fields from"
	}
	if e.Err != nil {
		return "value_error", e.Err.Error()
	}
	return "value_error", e.Error()
}

// expectedNumber tells texts that are no numbers from values that could never be one.
func expectedNumber(got jsontext.Kind, short, long string) (kind, msg string) {
	switch {
	case got == '"':
		return short + "_parsing", "Input should be a valid " + long + ", unable to parse string as " + article(long)
	case got == '0' && short == "int":
		return "int_from_float", "Input should be a valid integer, got a number with a fractional part"
	}
	return short + "_type", "Input should be a valid " + long
}

func article(noun string) string {
	if noun == "integer" {
		return "an integer"
	}
	return "a " + noun
}

func pointerParts(p jsontext.Pointer) []any {
	var parts []any
	for tok := range p.Tokens() {
		if n, err := strconv.Atoi(tok); err == nil {
			parts = append(parts, n)
			continue
		}
		parts = append(parts, tok)
	}
	return parts
}

// valueAt returns the JSON value at pointer p of body, or nil.
func valueAt(body []byte, p jsontext.Pointer) jsontext.Value {
	v := jsontext.Value(body)
	for step := range p.Tokens() {
		if v = valueBelow(v, step); v == nil {
			return nil
		}
	}
	return v.Clone()
}

// valueBelow returns a member of an object, the last of its name, or an element of a list.
func valueBelow(v jsontext.Value, step string) (found jsontext.Value) {
	dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true))
	open, err := dec.ReadToken()
	isObject := open.Kind() == '{'
	if err != nil || !isObject && open.Kind() != '[' {
		return nil
	}
	for i := 0; dec.PeekKind() != '}' && dec.PeekKind() != ']'; i++ {
		name := strconv.Itoa(i)
		if isObject {
			token, err := dec.ReadToken()
			if err != nil {
				return found
			}
			name = token.String()
		}
		value, err := dec.ReadValue()
		if err != nil {
			return found
		}
		if name == step {
			found = value.Clone()
		}
	}
	return found
}

// check is what a struct tag `check:"…"` asks of a field.
type check struct {
	index    int
	name     string
	required bool
	null     bool
	schema   bool // its type allows more than its schema
	optional bool
	bounds   []func(float64) bool
	maxlen   int
	words    []string // all that a text may be
	pattern  *regexp.Regexp
}

// plan is how the values of a struct type are checked.
type plan struct {
	closed bool // it implements closed
	checks []check
}

var plans sync.Map // reflect.Type → *plan

// planOf reads the tags of a struct type once.
func planOf(t reflect.Type) *plan {
	if have, ok := plans.Load(t); ok {
		return have.(*plan)
	}
	p := &plan{closed: t.Implements(closedType)}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		c := check{index: i, name: name, maxlen: -1, optional: reflect.PointerTo(f.Type).Implements(optionalType)}
		c.parse(f.Tag.Get("check"))
		p.checks = append(p.checks, c)
	}
	plans.Store(t, p)
	return p
}

func (c *check) parse(tag string) {
	if head, pattern, ok := strings.Cut(tag, "pattern="); ok {
		c.pattern, tag = regexp.MustCompile(pattern), strings.TrimSuffix(head, ",")
	}
	for rule := range strings.SplitSeq(tag, ",") {
		key, arg, _ := strings.Cut(rule, "=")
		limit, _ := strconv.ParseFloat(arg, 64)
		switch key {
		case "required":
			c.required = true
		case "null":
			c.null = true
		case "schema":
			c.schema = true
		case "min":
			c.bounds = append(c.bounds, func(v float64) bool { return v >= limit })
		case "above":
			c.bounds = append(c.bounds, func(v float64) bool { return v > limit })
		case "max":
			c.bounds = append(c.bounds, func(v float64) bool { return v <= limit })
		case "words":
			c.words = strings.Split(arg, "|")
		case "maxlen":
			c.maxlen = int(limit)
		}
	}
}
