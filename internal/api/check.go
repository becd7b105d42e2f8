package api

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// enumeration is what the generated string types with fixed values implement.
type enumeration interface{ Values() []string }

// optional is what a pointer to an Opt implements for the checks.
type optional interface {
	inner() (v reflect.Value, given, null bool)
}

func (o *Opt[T]) inner() (v reflect.Value, given, null bool) {
	return reflect.ValueOf(&o.value).Elem(), o.state != absent, o.state == isNull
}

// closed is what types implement that know when their schema must be asked, because it
// allows less than they do.
type closed interface{ fits() bool }

var (
	timeType = reflect.TypeFor[Time]()
	apiPath  = timeType.PkgPath()
)

// place is where a value stands in the request body. It is looked up only when needed.
type place struct {
	body   []byte
	parent *place
	step   string
}

func (p *place) raw() jsontext.Value {
	if p.parent == nil {
		return p.body
	}
	return valueBelow(p.parent.raw(), p.step)
}

func (p *place) below(step string) *place { return &place{parent: p, step: step} }

var (
	optionalType    = reflect.TypeFor[optional]()
	closedType      = reflect.TypeFor[closed]()
	enumerationType = reflect.TypeFor[enumeration]()

	enumerations sync.Map // reflect.Type → []string
)

// valuesOf lists what a string type allows, nil for anything.
func valuesOf(t reflect.Type) []string {
	if !t.Implements(enumerationType) {
		return nil
	}
	if have, ok := enumerations.Load(t); ok {
		return have.([]string)
	}
	values := reflect.Zero(t).Interface().(enumeration).Values()
	enumerations.Store(t, values)
	return values
}

// conforms walks v, which can be addressed, along its struct tags and says whether nothing breaks them. It never
// lets through what the contract's schema refuses; where it says no, explain decides.
func conforms(v reflect.Value, at *place) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || conforms(v.Elem(), at)
	case reflect.Slice:
		return conformingList(v, at)
	case reflect.String:
		values := valuesOf(v.Type())
		return values == nil || slices.Contains(values, v.String())
	case reflect.Map:
		return !maybeNull(v)
	case reflect.Struct:
		return v.Type().PkgPath() != apiPath || v.Type() == timeType || conformingStruct(v, at)
	}
	return true
}

// maybeNull says that a map of texts holds an empty one, which may have been null.
func maybeNull(v reflect.Value) bool {
	texts, isTexts := v.Interface().(map[string]string)
	if !isTexts {
		return false
	}
	for _, text := range texts {
		if text == "" {
			return true
		}
	}
	return false
}

func conformingList(v reflect.Value, at *place) bool {
	elem := v.Type().Elem()
	if kind := elem.Kind(); kind == reflect.String || kind == reflect.Array {
		for i := range v.Len() {
			if v.Index(i).IsZero() { // it may have been null
				return false
			}
		}
	}
	if elem.PkgPath() != apiPath || elem.Kind() != reflect.Struct && elem.Kind() != reflect.String {
		return true
	}
	for i := range v.Len() {
		if !conforms(v.Index(i), at.below(strconv.Itoa(i))) {
			return false
		}
	}
	return true
}

func conformingStruct(v reflect.Value, at *place) bool {
	plan := planOf(v.Type())
	if plan.closed && !v.Addr().Interface().(closed).fits() {
		return false
	}
	for i := range plan.checks {
		if c := &plan.checks[i]; !c.fits(v.Field(c.index), at) {
			return false
		}
	}
	return true
}

// fits judges a field of the struct at a place.
func (c *check) fits(f reflect.Value, at *place) bool {
	if c.name == "" { // what the schema does not know
		return f.Len() == 0
	}
	if c.required && f.IsZero() {
		if value := at.below(c.name).raw(); value == nil || value.Kind() == 'n' {
			return false
		}
	}
	if c.optional {
		inner, given, null := f.Addr().Interface().(optional).inner()
		switch {
		case !given:
			return true
		case null:
			return c.null
		}
		f = inner
	}
	switch f.Kind() {
	case reflect.Slice:
		if c.schema {
			return f.IsZero() || f.Type().Elem().Kind() == reflect.Uint8 && (string(f.Bytes()) == "{}" || string(f.Bytes()) == null)
		}
		if c.optional && f.Type().Elem().Kind() == reflect.Uint8 && f.Len() > 0 && f.Bytes()[0] != '{' {
			return false // its schema may want an object
		}
	case reflect.Int:
		return !c.schema && c.within(float64(f.Int()))
	case reflect.Float64:
		return c.within(f.Float())
	case reflect.String:
		return c.fitsText(f.String()) && conforms(f, at)
	}
	if !isNested(f) {
		return conforms(f, nil)
	}
	return conforms(f, at.below(c.name))
}

// isNested says that v holds values that have a place of their own.
func isNested(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil()
	case reflect.Slice:
		return v.Len() > 0
	case reflect.Struct:
		return v.Type() != timeType && v.Type().PkgPath() == apiPath
	}
	return false
}

func (c *check) within(v float64) bool {
	for _, bound := range c.bounds {
		if !bound(v) {
			return false
		}
	}
	return true
}

func (c *check) fitsText(text string) bool {
	return (c.words == nil || slices.Contains(c.words, text)) && (c.maxlen < 0 || utf8.RuneCountInString(text) <= c.maxlen) && (c.pattern == nil || c.pattern.MatchString(text))
}

// Choices words what an enumeration allows, as the contract's answers do.
func Choices(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = "'" + v + "'"
	}
	return listed(quoted)
}

// listed puts commas between words, and an or before the last.
func listed(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func quote(s string) jsontext.Value {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		return jsontext.Value("null")
	}
	return b
}

// member is an object with one member.
func member(name string, v jsontext.Value) jsontext.Value {
	return jsontext.Value(`{"` + name + `":` + string(v) + `}`)
}

func number(v float64) jsontext.Value { return jsontext.Value(strconv.FormatFloat(v, 'g', -1, 64)) }
