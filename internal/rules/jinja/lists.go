package jinja

import (
	"math/rand/v2"
	"slices"
	"strings"
)

func listFilters() map[string]filter {
	return map[string]filter{
		"length":   {"obj", lengthFilter},
		"list":     {"value", func(c *call) any { return slices.Clone(mustIterate(c.args[0])) }},
		"items":    {"value", itemsFilter},
		"first":    {"seq", func(c *call) any { return end(c, "first", 0) }},
		"last":     {"seq", func(c *call) any { return end(c, "last", -1) }},
		"random":   {"seq", randomFilter},
		"reverse":  {"value", reverseFilter},
		"join":     {"value d? attribute?", joinFilter},
		"batch":    {"value linecount fill_with?", batch},
		"slice":    {"value slices fill_with?", sliceFilter},
		"sum":      {"iterable attribute? start?", sum},
		"sort":     {"value reverse? case_sensitive? attribute?", sortFilter},
		"dictsort": {"value case_sensitive? by? reverse?", dictSort},
		"unique":   {"value case_sensitive? attribute?", unique},
		"min":      {"value case_sensitive? attribute?", func(c *call) any { return extreme(c, "<", -1) }},
		"max":      {"value case_sensitive? attribute?", func(c *call) any { return extreme(c, ">", 1) }},
		"groupby":  {"value attribute default? case_sensitive?", groupBy},
	}
}

// generated is a generator of what is there already.
func generated(items []any, name string) *generator {
	return &generator{func() []any { return items }, "<generator object " + name + ">"}
}

func lengthFilter(c *call) any {
	n, ok := length(c.args[0])
	if !ok {
		fail(typeError, "object of type %s has no len()", reprText(typeName(c.args[0])))
	}
	return int64(n)
}

func itemsFilter(c *call) any {
	switch v := c.args[0].(type) {
	case *undefined:
		return generated(nil, "do_items")
	case *Dict:
		return generated(v.items(), "do_items")
	}
	fail(typeError, "Can only get item pairs from a mapping.")
	return nil
}

func end(c *call, word string, i int64) any {
	items, ok := iterate(c.args[0])
	if !ok {
		if word == "last" {
			fail(typeError, "%s object is not reversible", reprText(typeName(c.args[0])))
		}
		fail(typeError, "%s object is not iterable", reprText(typeName(c.args[0])))
	}
	v, ok := at(items, i)
	if !ok {
		return missingValue("No " + word + " item, sequence was empty.")
	}
	return v
}

func randomFilter(c *call) any {
	items := mustIterate(c.args[0])
	if len(items) == 0 {
		return missingValue("No random item, sequence was empty.")
	}
	return items[rand.IntN(len(items))]
}

func reverseFilter(c *call) any {
	if text, ok := textOf(c.args[0]); ok {
		runes := []rune(text)
		slices.Reverse(runes)
		return like(c.args[0], string(runes))
	}
	items, ok := iterate(c.args[0])
	if !ok {
		fail(argumentError, "argument must be iterable")
	}
	out := slices.Clone(items)
	slices.Reverse(out)
	return &generator{func() []any { return out }, "<list_reverseiterator object>"}
}

func joinFilter(c *call) any {
	items := slices.Clone(mustIterate(c.args[0]))
	if c.value(2, nil) != nil {
		get := c.r.attrGetter(c.args[2])
		for i := range items {
			items[i] = get(items[i])
		}
	}
	between, safe := c.value(1, ""), false
	if c.r.escape {
		_, safe = between.(markup)
		safe = safe || slices.ContainsFunc(items, func(v any) bool { _, is := v.(markup); return is })
	}
	shown := str
	if safe {
		shown = func(v any) string { return string(escape(v)) }
	}
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			c.r.write(&b, shown(between))
		}
		c.r.write(&b, shown(item))
	}
	if safe {
		return markup(b.String())
	}
	return b.String()
}

func batch(c *call) any {
	size := c.whole(1, 1)
	out, row := []any{}, []any{}
	for _, item := range mustIterate(c.args[0]) {
		if int64(len(row)) == size {
			out, row = append(out, row), []any{}
		}
		row = append(row, item)
	}
	if len(row) > 0 {
		if fill := c.value(2, nil); fill != nil && int64(len(row)) < size {
			c.r.payTimes(16, size)
			for int64(len(row)) < size {
				row = append(row, fill)
			}
		}
		out = append(out, row)
	}
	return generated(out, "do_batch")
}

func sliceFilter(c *call) any {
	items, n := mustIterate(c.args[0]), c.whole(1, 1)
	if n == 0 {
		fail("ZeroDivisionError", "integer division or modulo by zero")
	}
	c.r.payTimes(64, n)
	out := []any{}
	each, extra := int64(len(items))/max(n, 1), int64(len(items))%max(n, 1)
	for i := range max(n, 0) {
		start := i*each + min(i, extra)
		stop := start + each
		if i < extra {
			stop++
		}
		part := slices.Clone(items[start:stop])
		if fill := c.value(2, nil); fill != nil && i >= extra {
			part = append(part, fill)
		}
		out = append(out, part)
	}
	return generated(out, "sync_do_slice")
}

func sum(c *call) any {
	total := c.value(2, int64(0))
	if _, isText := textOf(total); isText {
		fail(typeError, "sum() can't sum strings [use ''.join(seq) instead]")
	}
	get := func(v any) any { return v }
	if c.value(1, nil) != nil {
		get = c.r.attrGetter(c.args[1])
	}
	for _, item := range mustIterate(c.args[0]) {
		total = c.r.binary("+", total, get(item))
	}
	return total
}

// sorted sorts by a key, and leaves what is equal in its order.
func sorted(items []any, key func(any) any, reverse bool) []any {
	if key == nil {
		key = func(v any) any { return v }
	}
	type pair struct{ key, item any }
	pairs := make([]pair, len(items))
	for i, item := range items {
		pairs[i] = pair{key(item), item}
	}
	if reverse {
		slices.Reverse(pairs)
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		if c := order("<", a.key, b.key); c != unordered {
			return c
		}
		return 0
	})
	if reverse {
		slices.Reverse(pairs)
	}
	out := make([]any, len(items))
	for i, p := range pairs {
		out[i] = p.item
	}
	return out
}

// keyOf is what a filter compares items by.
func (r *run) keyOf(path any, caseSensitive bool) func(any) any {
	get := r.attrGetter(path)
	if caseSensitive {
		return get
	}
	return func(v any) any { return foldCase(get(v)) }
}

func sortFilter(c *call) any {
	paths := []any{c.value(3, nil)}
	if text, ok := paths[0].(string); ok {
		paths = each(strings.Split(text, ","), func(s string) any { return s })
	}
	var keys []func(any) any
	for _, path := range paths {
		keys = append(keys, c.r.keyOf(path, c.truth(2)))
	}
	all := func(v any) any { return each(keys, func(key func(any) any) any { return key(v) }) }
	return sorted(mustIterate(c.args[0]), all, c.truth(1))
}

func dictSort(c *call) any {
	by := c.text(2, "key")
	if by != "key" && by != "value" {
		fail(argumentError, `You can only sort by either "key" or "value"`)
	}
	d, ok := c.args[0].(*Dict)
	if !ok {
		if u, isUndefined := c.args[0].(*undefined); isUndefined {
			u.fail()
		}
		fail("AttributeError", "%s object has no attribute 'items'", reprText(typeName(c.args[0])))
	}
	at := map[string]int{"key": 0, "value": 1}[by]
	return sorted(d.items(), func(v any) any {
		part := v.(tuple)[at]
		if c.truth(1) {
			return part
		}
		return foldCase(part)
	}, c.truth(3))
}

func unique(c *call) any {
	key := c.r.keyOf(c.value(2, nil), c.truth(1))
	seen := map[any]bool{}
	out := []any{}
	for _, item := range mustIterate(c.args[0]) {
		if h := hash(key(item)); !seen[h] {
			seen[h] = true
			out = append(out, item)
		}
	}
	return generated(out, "sync_do_unique")
}

func extreme(c *call, op string, want int) any {
	items := mustIterate(c.args[0])
	if len(items) == 0 {
		return missingValue("No aggregated item, sequence was empty.")
	}
	key := c.r.keyOf(c.value(2, nil), c.truth(1))
	best := items[0]
	bestKey := key(best)
	for _, item := range items[1:] {
		if k := key(item); order(op, k, bestKey) == want {
			best, bestKey = item, k
		}
	}
	return best
}

func groupBy(c *call) any {
	get := c.r.attrGetter(c.args[1])
	value := func(v any) any {
		out := get(v)
		if _, isUndefined := out.(*undefined); isUndefined && c.value(2, nil) != nil {
			return c.args[2]
		}
		return out
	}
	key := value
	if !c.truth(3) {
		key = func(v any) any { return foldCase(value(v)) }
	}
	out := []any{}
	var group []any
	flush := func() {
		if len(group) > 0 {
			out = append(out, &grouper{value(group[0]), group})
		}
	}
	for _, item := range sorted(mustIterate(c.args[0]), key, false) {
		if len(group) > 0 && !equal(key(group[0]), key(item)) {
			flush()
			group = nil
		}
		group = append(group, item)
	}
	flush()
	return out
}
