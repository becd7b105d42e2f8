package jinja

import (
	"math/big"
	"strings"
)

type testFunc struct {
	params string
	do     func(c *call) any
}

var testTable table[testFunc]

// tests are what stands after is.
func tests() map[string]testFunc { return testTable.get(allTests) }

func allTests() map[string]testFunc {
	all := kindTests()
	for op, names := range map[string]string{"==": "== eq equalto", "!=": "!= ne", ">": "> gt greaterthan", ">=": ">= ge", "<": "< lt lessthan", "<=": "<= le", "in": "in"} {
		for _, name := range strings.Fields(names) {
			all[name] = testFunc{"a b", func(c *call) any { return compareOp(op, c.args[0], c.args[1]) }}
		}
	}
	modulo := func(c *call, by any, want int64) any { return equal(c.r.binary("%", c.args[0], by), want) }
	all["odd"] = testFunc{"value", func(c *call) any { return modulo(c, int64(2), 1) }}
	all["even"] = testFunc{"value", func(c *call) any { return modulo(c, int64(2), 0) }}
	all["divisibleby"] = testFunc{"value num", func(c *call) any { return modulo(c, c.args[1], 0) }}
	all["sameas"] = testFunc{"value other", func(c *call) any { return sameAs(c.args[0], c.args[1]) }}
	all["filter"] = testFunc{"value", func(c *call) any { _, ok := c.r.filterNamed(str(asKey(c.args[0]))); return ok }}
	all["upper"] = testFunc{"value", func(c *call) any { s := c.text(0, ""); return s == strings.ToUpper(s) && s != strings.ToLower(s) }}
	all["lower"] = testFunc{"value", func(c *call) any { s := c.text(0, ""); return s == strings.ToLower(s) && s != strings.ToUpper(s) }}
	all["test"] = testFunc{"value", func(c *call) any { _, ok := all[str(asKey(c.args[0]))]; return ok }}
	return all
}

// asKey is a value that a dict can be asked for.
func asKey(v any) any {
	hash(v)
	return v
}

// kindTests ask what a value is.
func kindTests() map[string]testFunc {
	is := func(check func(v any) bool) testFunc {
		return testFunc{"value", func(c *call) any { return check(c.args[0]) }}
	}
	isUndefined := func(v any) bool { _, ok := v.(*undefined); return ok }
	return map[string]testFunc{
		"undefined": is(isUndefined),
		"defined":   is(func(v any) bool { return !isUndefined(v) }),
		"none":      is(func(v any) bool { return v == nil }),
		"boolean":   is(func(v any) bool { _, ok := v.(bool); return ok }),
		"true":      is(func(v any) bool { b, ok := v.(bool); return ok && b }),
		"false":     is(func(v any) bool { b, ok := v.(bool); return ok && !b }),
		"float":     is(func(v any) bool { _, ok := v.(float64); return ok }),
		"integer":   is(isInteger),
		"number":    is(func(v any) bool { _, ok := numberOf(v); return ok }),
		"string":    is(func(v any) bool { _, ok := textOf(v); return ok }),
		"mapping":   is(func(v any) bool { _, ok := v.(*Dict); return ok }),
		"sequence":  is(isSequenceLike),
		"iterable":  is(isIterable),
		"callable":  is(isCallable),
		"escaped":   is(func(v any) bool { _, ok := v.(markup); return ok || isUndefined(v) }),
	}
}

func isInteger(v any) bool {
	switch v.(type) {
	case int64, *big.Int:
		return true
	}
	return false
}

func isSequenceLike(v any) bool {
	switch v.(type) {
	case view, *loop:
		return false
	}
	_, ok := length(v)
	return ok
}

func isIterable(v any) bool {
	if _, isGenerator := v.(*generator); isGenerator {
		return true
	}
	if _, isLoop := v.(*loop); isLoop {
		return true
	}
	_, ok := iterate(v)
	return ok
}

func isCallable(v any) bool {
	switch v.(type) {
	case method, Func, *macro, *loop, *undefined:
		return true
	}
	return false
}

// sameAs says whether two values are one and the same.
func sameAs(a, b any) bool {
	switch a.(type) {
	case nil, bool, int64, string:
		return typeName(a) == typeName(b) && equal(a, b)
	case *Dict, *undefined, *macro:
		return a == b
	}
	return false
}

func (r *run) test(name string, c *call) any {
	t, ok := tests()[name]
	if !ok {
		fail("TemplateRuntimeError", "No test named %s.", reprText(name))
	}
	r.payFor(c.args...)
	c.bind("test_"+name, t.params)
	return t.do(c)
}

func (r *run) applyTest(n *testNode, s *scope) any {
	if _, ok := tests()[n.name]; !ok {
		fail("TemplateRuntimeError", "No test named %s found.", reprText(n.name))
	}
	value := r.eval(n.of, s)
	c := r.argumentsOf(n.args, s)
	c.args = append([]any{value}, c.args...)
	return r.test(n.name, c)
}
