package jinja

import (
	"maps"
	"strings"
	"sync"
)

// filter is a function for what stands before a bar. Its params are as bind knows them, the
// value first; "*" leaves the arguments as they are.
type filter struct {
	params string
	do     func(c *call) any
}

// table is put together when the first template asks for it.
type table[T any] struct {
	once sync.Once
	all  map[string]T
}

func (t *table[T]) get(make func() map[string]T) map[string]T {
	t.once.Do(func() { t.all = make() })
	return t.all
}

var filterTable table[filter]

func filters() map[string]filter { return filterTable.get(allFilters) }

func allFilters() map[string]filter {
	all := map[string]filter{}
	maps.Copy(all, textFilters())
	maps.Copy(all, markupFilters())
	maps.Copy(all, numberFilters())
	maps.Copy(all, listFilters())
	maps.Copy(all, chooseFilters())
	maps.Copy(all, humanizeFilters())
	for short, name := range map[string]string{"d": "default", "e": "escape", "count": "length"} {
		all[short] = all[name]
	}
	return all
}

func (r *run) filterNamed(name string) (filter, bool) {
	if f, ok := r.env.Filters[name]; ok {
		return filter{"*", func(c *call) any { return callFunc(f, c) }}, true
	}
	f, ok := filters()[name]
	return f, ok
}

func (r *run) filter(name string, c *call) any {
	f, ok := r.filterNamed(name)
	if !ok {
		fail("TemplateRuntimeError", "No filter named %s.", reprText(name))
	}
	r.payFor(c.args...)
	if f.params != "*" {
		c.bind("do_"+name, f.params)
	}
	return f.do(c)
}

func (r *run) applyFilter(n *filterNode, value any, s *scope) any {
	c := r.argumentsOf(n.args, s)
	c.args = append([]any{value}, c.args...)
	if _, ok := r.filterNamed(n.name); !ok {
		fail("TemplateRuntimeError", "No filter named %s found.", reprText(n.name))
	}
	return r.filter(n.name, c)
}

// filterText runs the filters of a filter block over its text.
func (r *run) filterText(n node, text any, s *scope) any {
	f := n.(*filterNode)
	if f.of != nil {
		text = r.filterText(f.of, text, s)
	}
	return r.applyFilter(f, text, s)
}

// attrGetter is how filters look into items: a path with dots, or a number.
func (r *run) attrGetter(path any) func(any) any {
	var parts []any
	switch path := path.(type) {
	case nil:
	case string:
		for _, part := range strings.Split(path, ".") {
			if n, err := parseInt(part, 10); err == nil && strings.Trim(part, "0123456789") == "" {
				parts = append(parts, n)
			} else {
				parts = append(parts, part)
			}
		}
	default:
		parts = []any{path}
	}
	return func(v any) any {
		for _, part := range parts {
			v = r.item(v, part)
		}
		return v
	}
}

func foldCase(v any) any {
	if text, ok := textOf(v); ok {
		return strings.ToLower(text)
	}
	return v
}

func textFilters() map[string]filter {
	text := func(f func(string) string) filter {
		return filter{"s", func(c *call) any { return like(c.args[0], f(c.soft(0))) }}
	}
	return map[string]filter{
		"upper":      text(upper),
		"lower":      text(strings.ToLower),
		"capitalize": text(capitalize),
		"title":      {"s", func(c *call) any { return titleWords(c.soft(0)) }},
		"trim": {"value chars?", func(c *call) any {
			return like(c.args[0], strings.TrimFunc(c.soft(0), stripSet(&call{args: []any{c.value(1, nil)}})))
		}},
		"center": {"value width?", func(c *call) any {
			return like(c.args[0], pad(c.r, c.text(0, ""), " ", c.whole(1, 80), "center"))
		}},
		"replace":   {"s old new count?", replaceFilter},
		"truncate":  {"s length? killwords? end? leeway?", truncate},
		"indent":    {"s width? first? blank?", indent},
		"wordwrap":  {"s width? break_long_words? wrapstring? break_on_hyphens?", wordWrap},
		"wordcount": {"s", func(c *call) any { return wordCount(c.text(0, "")) }},
		"format":    {"*", formatFilter},
		"string":    {"s", func(c *call) any { return like(c.args[0], c.text(0, "")) }},
		"pprint":    {"value", func(c *call) any { return c.r.pretty(c.args[0]) }},
	}
}

// titleWords is upper case for what begins a word, between blanks and opening brackets.
func titleWords(s string) string {
	var b strings.Builder
	inWord := false
	for _, r := range s {
		if isSpace(r) || strings.ContainsRune("-({[<", r) {
			b.WriteRune(r)
			inWord = false
			continue
		}
		if inWord {
			b.WriteString(strings.ToLower(string(r)))
		} else {
			b.WriteString(upper(string(r)))
		}
		inWord = true
	}
	return b.String()
}

func replaceFilter(c *call) any {
	count := int64(-1)
	if c.value(3, nil) != nil {
		count = c.whole(3, -1)
	}
	if !c.r.escape {
		return c.r.replace(c.text(0, ""), c.text(1, ""), c.text(2, ""), count)
	}
	_, safe := c.args[0].(markup)
	_, oldSafe := c.args[1].(markup)
	_, newSafe := c.args[2].(markup)
	if oldSafe || newSafe && !safe {
		return markup(c.r.replace(string(escape(c.args[0])), string(escape(c.args[1])), string(escape(c.args[2])), count))
	}
	if safe {
		return markup(c.r.replace(c.text(0, ""), c.text(1, ""), string(escape(c.args[2])), count))
	}
	return c.r.replace(c.text(0, ""), c.text(1, ""), c.text(2, ""), count)
}

func truncate(c *call) any {
	size, end, leeway := c.whole(1, 255), c.text(3, "..."), int64(5)
	if c.value(4, nil) != nil {
		leeway = c.whole(4, 5)
	}
	if size < int64(runeCount(end)) {
		fail("AssertionError", "expected length >= %d, got %d", runeCount(end), size)
	}
	if leeway < 0 {
		fail("AssertionError", "expected leeway >= 0, got %d", leeway)
	}
	n, ok := length(c.args[0])
	if !ok {
		fail(typeError, "object of type %s has no len()", reprText(typeName(c.args[0])))
	}
	if int64(n) <= size+leeway {
		return c.args[0]
	}
	text, ok := textOf(c.args[0])
	if !ok {
		fail(typeError, "can only concatenate list (not \"str\") to list")
	}
	head := string([]rune(text)[:size-int64(runeCount(end))])
	if !c.truth(2) {
		if at := strings.LastIndex(head, " "); at >= 0 {
			head = head[:at]
		}
	}
	return like(c.args[0], head+end)
}

func indent(c *call) any {
	pad := ""
	if text, ok := textOf(c.value(1, int64(4))); ok {
		pad = text
	} else {
		n := max(c.whole(1, 4), 0)
		c.r.payTimes(1, n)
		pad = strings.Repeat(" ", int(n))
	}
	text, ok := textOf(c.args[0])
	if !ok {
		if u, isUndefined := c.args[0].(*undefined); isUndefined {
			u.fail()
		}
		if _, isTuple := c.args[0].(tuple); isTuple {
			fail(typeError, "can only concatenate tuple (not \"str\") to tuple")
		}
		if _, isList := c.args[0].([]any); isList {
			fail("AttributeError", "'list' object has no attribute 'splitlines'")
		}
		fail(typeError, "unsupported operand type(s) for +=: %s and 'str'", reprText(typeName(c.args[0])))
	}
	lines := splitLines(text+"\n", false)
	c.r.payTimes(len(pad), int64(len(lines)))
	for i := range lines {
		if i > 0 && (lines[i] != "" || c.truth(3)) {
			lines[i] = pad + lines[i]
		}
	}
	out := strings.Join(lines, "\n")
	if c.truth(2) {
		out = pad + out
	}
	return like(c.args[0], out)
}

func formatFilter(c *call) any {
	values := any(tuple(c.args[1:]))
	if len(c.names) > 0 {
		if len(c.args) > 1 {
			fail(argumentError, "can't handle positional and keyword arguments at the same time")
		}
		named := NewDict()
		for _, name := range c.names {
			named.Set(name, c.named[name])
		}
		values = named
	}
	_, safe := c.args[0].(markup)
	return like(c.args[0], c.r.percent(c.text(0, ""), values, safe))
}
