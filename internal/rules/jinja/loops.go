package jinja

import "strings"

// loop is what the name loop stands for inside of a loop.
type loop struct {
	items   []any
	index   int
	depth   int
	changed []any
	again   func(over any) any // of a recursive loop
}

func (l *loop) rest() []any {
	rest := l.items[l.index+1:]
	l.index = len(l.items) - 1
	return rest
}

func (r *run) loop(do *forStatement, over any, s *scope, b *strings.Builder, depth int) {
	defer r.enter()()
	items := mustIterate(over)
	if do.test != nil {
		items = r.filtered(do, items, s)
	}
	l := &loop{items: items, depth: depth}
	if do.recursive {
		l.again = func(over any) any {
			var inner strings.Builder
			r.loop(do, over, s, &inner, depth+1)
			return r.safe(inner.String())
		}
	}
	line := r.line
	for l.index = 0; l.index < len(items); l.index++ {
		r.line = line
		inner := s.inner()
		r.assign(do.target, items[l.index], inner)
		inner.vars["loop"] = l
		r.exec(do.body, inner, b)
	}
	if len(items) == 0 {
		r.exec(do.otherwise, s.inner(), b)
	}
}

func (r *run) filtered(do *forStatement, items []any, s *scope) []any {
	kept := []any{}
	for _, item := range items {
		r.pay(0)
		inner := s.inner()
		r.assign(do.target, item, inner)
		if truth(r.eval(do.test, inner)) {
			kept = append(kept, item)
		}
	}
	return kept
}

func (l *loop) member(name string) (any, bool) {
	n, i := int64(len(l.items)), int64(l.index)
	switch name {
	case "index":
		return i + 1, true
	case "index0":
		return i, true
	case "revindex":
		return n - i, true
	case "revindex0":
		return n - i - 1, true
	case "first":
		return i == 0, true
	case "last":
		return i == n-1, true
	case "length":
		return n, true
	case "depth":
		return int64(l.depth + 1), true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		return l.neighbour(l.index-1, "there is no previous item"), true
	case "nextitem":
		return l.neighbour(l.index+1, "there is no next item"), true
	case "cycle":
		return method{"cycle", func(c *call) any {
			if len(c.args) == 0 {
				fail(typeError, "no items for cycling given")
			}
			return c.args[l.index%len(c.args)]
		}}, true
	case "changed":
		return method{"changed", func(c *call) any {
			changed := l.changed == nil || !equalAll(l.changed, c.args)
			l.changed = append([]any{}, c.args...)
			return changed
		}}, true
	}
	return nil, false
}

func (l *loop) neighbour(i int, otherwise string) any {
	if i < 0 || i >= len(l.items) {
		return missingValue(otherwise)
	}
	return l.items[i]
}
