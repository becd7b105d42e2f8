package jinja

import (
	"strings"

	"github.com/google/uuid"
)

// plainTuple makes a tuple with names one without.
func plainTuple(v any) any {
	if g, ok := v.(*grouper); ok {
		return tuple{g.key, g.list}
	}
	return v
}

// equal is Python's ==.
func equal(a, b any) bool {
	a, b = plainTuple(a), plainTuple(b)
	if x, ok := bigOf(a); ok {
		if y, ok := bigOf(b); ok {
			return x.Cmp(y) == 0
		}
	}
	if x, ok := numberOf(a); ok {
		y, ok := numberOf(b)
		return ok && x == y
	}
	if x, ok := textOf(a); ok {
		y, ok := textOf(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case *undefined:
		b, ok := b.(*undefined)
		return ok && a.strict == b.strict
	case []any:
		b, ok := b.([]any)
		return ok && equalAll(a, b)
	case tuple:
		b, ok := b.(tuple)
		return ok && equalAll(a, b)
	case *Dict:
		b, ok := b.(*Dict)
		return ok && equalDicts(a, b)
	case span:
		b, ok := b.(span)
		return ok && equalAll(a.list(), b.list())
	case Duration:
		return a == b
	case uuid.UUID:
		return a == b
	}
	if isMoment(a) && isMoment(b) {
		x, xAware := momentOf(a)
		y, yAware := momentOf(b)
		return typeName(a) == typeName(b) && xAware == yAware && x.UnixMicro() == y.UnixMicro()
	}
	return sameThing(a, b)
}

// sameThing compares what only equals itself.
func sameThing(a, b any) bool {
	switch a.(type) {
	case method, view, namespace:
		return false
	}
	if _, isView := b.(view); isView {
		return false
	}
	switch b.(type) {
	case []any, tuple, *Dict, method, Func:
		return false
	}
	if _, isFunc := a.(Func); isFunc {
		return false
	}
	return a == b
}

func equalAll(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalDicts(a, b *Dict) bool {
	if len(a.keys) != len(b.keys) {
		return false
	}
	for _, key := range a.keys {
		x, _ := a.Get(key)
		y, ok := b.Get(key)
		if !ok || !equal(x, y) {
			return false
		}
	}
	return true
}

// order compares for the operator op, which the error names.
func order(op string, a, b any) int {
	for _, v := range []any{a, b} {
		if u, ok := v.(*undefined); ok {
			u.fail()
		}
	}
	if x, ok := bigOf(a); ok {
		if y, ok := bigOf(b); ok {
			return x.Cmp(y)
		}
	}
	if x, ok := numberOf(a); ok {
		if y, ok := numberOf(b); ok {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			case x == y:
				return 0
			}
			return unordered
		}
	}
	if x, ok := textOf(a); ok {
		if y, ok := textOf(b); ok {
			return strings.Compare(x, y)
		}
	}
	if out, ok := orderRare(op, a, b); ok {
		return out
	}
	fail(typeError, "'%s' not supported between instances of %s and %s", op, reprText(typeName(a)), reprText(typeName(b)))
	return 0
}

// unordered is what comparing with a number that is none comes to.
const unordered = 2

func orderRare(op string, a, b any) (int, bool) {
	if x, ok := a.(Duration); ok {
		y, ok := b.(Duration)
		return int(min(max(x-y, -1), 1)), ok
	}
	if isMoment(a) && isMoment(b) && typeName(a) == typeName(b) {
		x, xAware := momentOf(a)
		y, yAware := momentOf(b)
		if xAware != yAware {
			fail(typeError, "can't compare offset-naive and offset-aware datetimes")
		}
		return x.Compare(y), true
	}
	if isMoment(a) && isMoment(b) {
		fail(typeError, "can't compare datetime.datetime to datetime.date")
	}
	if x, ok := a.(uuid.UUID); ok {
		y, ok := b.(uuid.UUID)
		return strings.Compare(x.String(), y.String()), ok
	}
	a, b = plainTuple(a), plainTuple(b)
	_, aTuple := a.(tuple)
	_, bTuple := b.(tuple)
	_, aList := a.([]any)
	_, bList := b.([]any)
	if aTuple && bTuple || aList && bList {
		x, _ := iterate(a)
		y, _ := iterate(b)
		return orderAll(op, x, y), true
	}
	return 0, false
}

func orderAll(op string, a, b []any) int {
	for i := range min(len(a), len(b)) {
		if !equal(a[i], b[i]) {
			return order(op, a[i], b[i])
		}
	}
	return min(max(len(a)-len(b), -1), 1)
}

func compareOp(op string, a, b any) bool {
	switch op {
	case "==":
		return equal(a, b)
	case "!=":
		return !equal(a, b)
	case "in":
		return contains(b, a)
	case "not in":
		return !contains(b, a)
	}
	c := order(op, a, b)
	if c == unordered {
		return false
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func contains(in, v any) bool {
	if text, ok := textOf(in); ok {
		part, ok := textOf(v)
		if !ok {
			fail(typeError, "'in <string>' requires string as left operand, not %s", typeName(v))
		}
		return strings.Contains(text, part)
	}
	if dict, ok := in.(*Dict); ok {
		_, found := dict.Get(v)
		return found
	}
	items, ok := iterate(in)
	if !ok {
		fail(typeError, "argument of type %s is not iterable", reprText(typeName(in)))
	}
	for _, item := range items {
		if equal(item, v) {
			return true
		}
	}
	return false
}
