package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Object is a value with members of its own, as an event or a flow run.
type Object interface {
	Member(name string) (any, bool) // by .name and by ['name']
	String() string                 // what prints
	TypeName() string               // the class that errors name
}

// JSONer is an Object that the filter tojson can write.
type JSONer interface{ JSON() any }

// Enum is a text of a fixed set: it is its value, and prints as its class and name.
type Enum struct{ Class, Name, Value string }

// String is what prints.
func (e Enum) String() string { return e.Class + "." + e.Name }

// Set holds each of some values once, in the order in which it prints them.
type Set []any

// member is what the class has, or the text.
func (e Enum) member(name string) (any, bool) {
	switch name {
	case "name":
		return e.Name, true
	case "value":
		return e.Value, true
	}
	return textMember(e.Value, e.Value, name)
}

// Func is a function that templates may call, as a member of an Object or as a filter:
// what is filtered comes first.
type Func func(args []any, named map[string]any) (any, error)

// Duration is a span of time as Python counts it, in microseconds.
type Duration int64

// Dict is an object that keeps the order of its keys.
type Dict struct {
	keys   []any
	values map[any]any
}

// NewDict makes an empty object.
func NewDict() *Dict { return &Dict{values: map[any]any{}} }

// Set puts a value below a key.
func (d *Dict) Set(key, value any) {
	h := hash(key)
	if _, known := d.values[h]; !known {
		d.keys = append(d.keys, key)
	}
	d.values[h] = value
}

// Get finds the value below a key.
func (d *Dict) Get(key any) (any, bool) {
	v, ok := d.values[hash(key)]
	return v, ok
}

// Keys are the keys in their order.
func (d *Dict) Keys() []any { return d.keys }

type (
	markup string // text that needs no escaping any more
	tuple  []any
	span   struct{ start, stop, step int64 } // of range()
	date   struct{ time.Time }
	naive  struct{ time.Time } // a moment without a zone
	zone   struct{ *time.Location }
	// view is what dict.keys(), values() and items() are.
	view struct {
		kind  string
		items []any
	}
	// generator makes its items when they are asked for, once.
	generator struct {
		make  func() []any // nil when they are gone
		shown string
	}
	namespace struct{ *Dict }
	grouper   struct{ key, list any }
	method    struct {
		name string
		do   func(*call) any
	}
	// undefined is what a name without a value stands for.
	undefined struct {
		kind, message string
		strict        bool // looking into it fails as well
	}
	typeValue struct{ name string }
)

func undefinedNamed(name string) *undefined {
	return missingValue(reprText(name) + " is undefined")
}

func undefinedMember(of, key any) *undefined {
	owner := module(of) + typeName(of) + " object"
	if of == nil {
		owner = "None"
	}
	if name, ok := textOf(key); ok {
		return missingValue(reprText(owner) + " has no attribute " + reprText(name))
	}
	return missingValue(owner + " has no element " + repr(key))
}

// missingValue is undefined; using it fails with the message.
func missingValue(message string) *undefined {
	return &undefined{kind: undefinedError, message: message}
}

// inside is what is found in it: itself.
func (u *undefined) inside() any {
	if u.strict {
		u.fail()
	}
	return u
}

func (u *undefined) fail() { fail(u.kind, "%s", u.message) }

// hash is what keys that are equal have in common.
func hash(v any) any {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case int:
		return int64(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case *big.Int:
		return "int:" + v.String()
	case markup:
		return string(v)
	case Enum:
		return v.Value
	case *undefined:
		return undefined{}
	case tuple:
		var b strings.Builder
		hashAll(&b, v, 0)
		return tupleHash(b.String())
	case time.Time:
		return momentHash(v.UnixMicro())
	case []any, *Dict, namespace, view:
		fail(typeError, "unhashable type: %s", reprText(typeName(v)))
	case *generator, method, *macro:
		return fmt.Sprintf("%p", v)
	}
	return v
}

// hashAll writes what tells a tuple from others.
func hashAll(b *strings.Builder, t tuple, depth int) {
	if depth > maxInside {
		tooDeep()
	}
	for _, item := range t {
		if inner, ok := item.(tuple); ok {
			b.WriteByte('(')
			hashAll(b, inner, depth+1)
			b.WriteByte(')')
			continue
		}
		h := hash(item)
		text := fmt.Sprint(h)
		if b.Len()+len(text) > DefaultOutput {
			fail(securityError, "a key is longer than %d bytes", DefaultOutput)
		}
		fmt.Fprintf(b, "%T%d:%s", h, len(text), text)
	}
}

type (
	tupleHash  string
	momentHash int64
)

// small makes a whole number as small as it goes.
func small(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// adopt makes a Go value one of ours.
func adopt(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int32:
		return int64(v)
	case time.Duration:
		return Duration(v / time.Microsecond)
	case []string:
		return each(v, func(s string) any { return s })
	case map[string]any:
		return adoptMap(v)
	}
	return v
}

func adoptMap(v map[string]any) *Dict {
	out := NewDict()
	for _, key := range sortedKeys(v) {
		out.Set(key, adopt(v[key]))
	}
	return out
}

func each[T any](list []T, f func(T) any) []any {
	out := make([]any, 0, len(list))
	for _, item := range list {
		out = append(out, f(item))
	}
	return out
}

// typeName is the name of a value's class.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case markup:
		return "Markup"
	case Enum:
		return v.Class
	case tuple:
		return "tuple"
	case Set:
		return "set"
	case []any:
		return "list"
	case *Dict:
		return "dict"
	case span:
		return "range"
	case time.Time, naive:
		return "datetime.datetime"
	case date:
		return "datetime.date"
	case Duration:
		return "datetime.timedelta"
	case zone:
		return "datetime.timezone"
	case uuid.UUID:
		return "UUID"
	case view:
		return v.kind
	case *undefined:
		if v.strict {
			return "Undefined"
		}
		return "ChainableUndefined"
	case namespace:
		return "Namespace"
	case *generator:
		return "generator"
	case *macro:
		return "Macro"
	case *loop:
		return "LoopContext"
	case *grouper:
		return "_GroupTuple"
	case Object:
		return v.TypeName()
	case method:
		return "builtin_function_or_method"
	}
	return "function"
}

// bareTypeName is the name of a value's class without its module.
func bareTypeName(v any) string {
	name := typeName(v)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// module is where a class is from whose name does not say so, with a point.
func module(v any) string {
	switch v.(type) {
	case markup:
		return "markupsafe."
	case uuid.UUID:
		return "uuid."
	case namespace, *cycler:
		return "jinja2.utils."
	case *macro, *loop:
		return "jinja2.runtime."
	case *grouper:
		return "jinja2.filters."
	}
	return ""
}

// textOf is the text that a value is.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case markup:
		return string(v), true
	case Enum:
		return v.Value, true
	}
	return "", false
}

func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case markup:
		return v != ""
	case Enum:
		return v.Value != ""
	case Duration:
		return v != 0
	case *undefined:
		return false
	}
	if n, ok := length(v); ok {
		return n > 0
	}
	return true
}

func length(v any) (int, bool) {
	switch v := v.(type) {
	case string:
		return runeCount(v), true
	case markup:
		return runeCount(string(v)), true
	case Enum:
		return runeCount(v.Value), true
	case []any:
		return len(v), true
	case tuple:
		return len(v), true
	case Set:
		return len(v), true
	case *Dict:
		return len(v.keys), true
	case view:
		return len(v.items), true
	case span:
		return len(v.list()), true
	case *grouper:
		return 2, true
	case *loop:
		return len(v.items), true
	case *undefined:
		return 0, true
	}
	return 0, false
}

// iterate is what a loop over a value sees; false when it can't be looped over.
func iterate(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case tuple:
		return v, true
	case Set:
		return v, true
	case *Dict:
		return v.keys, true
	case view:
		return v.items, true
	case string:
		return runesOf(v, func(s string) any { return s }), true
	case markup:
		return runesOf(string(v), func(s string) any { return s }), true
	case Enum:
		return runesOf(v.Value, func(s string) any { return s }), true
	case span:
		return v.list(), true
	case *grouper:
		return []any{v.key, v.list}, true
	case *generator:
		if v.make == nil {
			return nil, true
		}
		items := v.make()
		v.make = nil
		return items, true
	case *loop:
		return v.rest(), true
	case *undefined:
		return nil, true
	}
	return nil, false
}

func mustIterate(v any) []any {
	items, ok := iterate(v)
	if !ok {
		fail(typeError, "%s object is not iterable", reprText(typeName(v)))
	}
	return items
}

func runesOf(s string, f func(string) any) []any {
	out := []any{}
	for _, r := range s {
		out = append(out, f(string(r)))
	}
	return out
}

func (s span) list() []any {
	out := []any{}
	for i := s.start; s.step > 0 && i < s.stop || s.step < 0 && i > s.stop; i += s.step {
		out = append(out, i)
	}
	return out
}
