package jinja

import (
	"strings"

	"github.com/google/uuid"
)

// attr is v.name: a member, else what is below the key.
func (r *run) attr(of any, name string) any {
	if u, ok := of.(*undefined); ok {
		return u.inside()
	}
	if v, ok := r.member(of, name); ok {
		return v
	}
	if v, ok := below(of, name); ok {
		return v
	}
	return undefinedMember(of, name)
}

// item is v[key]: what is below the key, else a member.
func (r *run) item(of, key any) any {
	if u, ok := of.(*undefined); ok {
		return u.inside()
	}
	if part, ok := key.(*slice); ok {
		return r.cut(of, part)
	}
	if v, ok := below(of, key); ok {
		return v
	}
	if name, ok := textOf(key); ok {
		if v, ok := r.member(of, name); ok {
			return v
		}
	}
	return undefinedMember(of, key)
}

// below finds what is in a value.
func below(of, key any) (any, bool) {
	switch of := of.(type) {
	case *Dict:
		if !hashable(key) {
			return nil, false
		}
		return of.Get(key)
	case namespace:
		return of.Get(key)
	case Object:
		if name, ok := textOf(key); ok {
			v, ok := of.Member(name)
			return adopt(v), ok
		}
		return nil, false
	}
	i, ok := intOf(key)
	if !ok {
		return nil, false
	}
	switch of := of.(type) {
	case string, markup, Enum:
		text, _ := textOf(of)
		return at(runesOf(text, func(s string) any { return like(of, s) }), i)
	case []any:
		return at(of, i)
	case tuple:
		return at(of, i)
	case span:
		return at(of.list(), i)
	case *grouper:
		return at([]any{of.key, of.list}, i)
	}
	return nil, false
}

func hashable(v any) bool {
	switch v := v.(type) {
	case []any, *Dict, namespace, view, *slice:
		return false
	case tuple:
		for _, item := range v {
			if !hashable(item) {
				return false
			}
		}
	}
	return true
}

func at(items []any, i int64) (any, bool) {
	if i < 0 {
		i += int64(len(items))
	}
	if i < 0 || i >= int64(len(items)) {
		return nil, false
	}
	return items[i], true
}

// member finds what a value has by its class. What is not for templates is undefined, and
// using it says why.
func (r *run) member(of any, name string) (any, bool) {
	if strings.HasPrefix(name, "_") {
		if strings.HasPrefix(name, "__") && isDunder(name) {
			return unsafe(of, name), true
		}
		return nil, false
	}
	switch of := of.(type) {
	case string, markup:
		text, _ := textOf(of)
		return textMember(of, text, name)
	case Enum:
		return of.member(name)
	case *Dict:
		return dictMember(of, name)
	case []any:
		return listMember(of, of, name)
	case tuple:
		return tupleMember(of, name)
	case namespace:
		return of.Get(name)
	case *loop:
		return of.member(name)
	case *macro:
		return of.member(name)
	case *grouper:
		switch name {
		case "grouper":
			return of.key, true
		case "list":
			return of.list, true
		}
		return tupleMember(tuple{of.key, of.list}, name)
	case *selfBlocks:
		return of.call(name)
	case *cycler:
		return of.member(name)
	case uuid.UUID:
		return uuidMember(of, name)
	case Object:
		v, ok := of.Member(name)
		return adopt(v), ok
	}
	return scalarMember(of, name)
}

// isDunder says whether every value of Python's has such a member.
func isDunder(name string) bool {
	switch strings.Trim(name, "_") {
	case "class", "doc", "init", "new", "str", "repr", "eq", "ne", "lt", "le", "gt", "ge", "hash", "dir", "reduce", "reduce_ex",
		"format", "sizeof", "getattribute", "setattr", "delattr", "subclasshook", "init_subclass", "getstate":
		return strings.HasSuffix(name, "__")
	}
	return false
}

func unsafe(of any, name string) *undefined {
	return &undefined{kind: "SecurityError", message: "access to attribute " + reprText(name) + " of " + reprText(bareTypeName(of)) + " object is unsafe."}
}

// slice is what a[b:c:d] has in its brackets; nil for what is left out.
type slice struct{ start, stop, step any }

func (r *run) cut(of any, part *slice) any {
	switch of := of.(type) {
	case *undefined:
		return of.inside()
	case string, markup:
		text, _ := textOf(of)
		var b strings.Builder
		for _, item := range part.of(runesOf(text, func(s string) any { return s })) {
			b.WriteString(item.(string))
		}
		r.pay(len(text))
		return like(of, b.String())
	case []any:
		r.pay(16 * len(of))
		return part.of(of)
	case tuple:
		r.pay(16 * len(of))
		return tuple(part.of(of))
	case span:
		return part.ofRange(of)
	case *Dict:
		fail(typeError, "unhashable type: 'slice'")
	case *grouper:
		return tuple(part.of([]any{of.key, of.list}))
	}
	fail(typeError, "%s object is not subscriptable", reprText(typeName(of)))
	return nil
}

func (s *slice) of(items []any) []any {
	start, stop, step := s.bounds(int64(len(items)))
	out := []any{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		out = append(out, items[i])
	}
	return out
}

func (s *slice) ofRange(of span) span {
	start, stop, step := s.bounds(int64(len(of.list())))
	return span{of.start + start*of.step, of.start + stop*of.step, of.step * step}
}

// bounds are the first index, the one after the last, and the step, of n items.
func (s *slice) bounds(n int64) (start, stop, step int64) {
	index := func(v any, otherwise int64) int64 {
		if v == nil {
			return otherwise
		}
		n, ok := intOf(v)
		if !ok {
			fail(typeError, "slice indices must be integers or None or have an __index__ method")
		}
		return n
	}
	if step = index(s.step, 1); step == 0 {
		fail(valueError, "slice step cannot be zero")
	}
	low, high, first, last := int64(0), n, int64(0), n
	if step < 0 {
		low, high, first, last = -1, n-1, n-1, -1
	}
	bound := func(v any, otherwise int64) int64 {
		i := index(v, otherwise)
		if v != nil && i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	return bound(s.start, first), bound(s.stop, last), step
}
