package jinja

import "strings"

// maxRange is how many numbers range() gives at most.
const maxRange = 100

// globals are the names that every template knows.
func globals(name string) (any, bool) {
	switch name {
	case "range":
		return method{name, rangeOf}, true
	case "dict":
		return method{name, func(c *call) any { return dictOf(c) }}, true
	case "namespace":
		return method{name, func(c *call) any { return namespace{dictOf(c)} }}, true
	case "cycler":
		return method{name, cyclerOf}, true
	case "joiner":
		return method{name, joinerOf}, true
	case "lipsum":
		return method{name, lipsum}, true
	}
	return nil, false
}

func rangeOf(c *call) any {
	if len(c.args) == 0 || len(c.args) > 3 {
		fail(typeError, "range expected at least 1 argument, got %d", len(c.args))
	}
	s := span{0, c.whole(0, 0), c.whole(2, 1)}
	if len(c.args) > 1 {
		s.start, s.stop = s.stop, c.whole(1, 0)
	}
	if s.step == 0 {
		fail(valueError, "range() arg 3 must not be zero")
	}
	if (float64(s.stop)-float64(s.start))/float64(s.step) > maxRange {
		fail(overflowError, "Range too big. The sandbox blocks ranges larger than MAX_TEMPLATE_RANGE=%d.", maxRange)
	}
	return s
}

func dictOf(c *call) *Dict {
	out := NewDict()
	if len(c.args) > 1 {
		fail(typeError, "dict expected at most 1 argument, got %d", len(c.args))
	}
	if len(c.args) == 1 {
		if u, isUndefined := c.args[0].(*undefined); isUndefined {
			u.fail()
		}
		if from, ok := c.args[0].(*Dict); ok {
			for _, key := range from.keys {
				value, _ := from.Get(key)
				out.Set(key, value)
			}
		} else {
			for i, item := range mustIterate(c.args[0]) {
				pair := mustIterate(item)
				if len(pair) != 2 {
					fail(valueError, "dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
				}
				out.Set(pair[0], pair[1])
			}
		}
	}
	for _, name := range c.names {
		out.Set(name, c.named[name])
	}
	return out
}

// cycler gives its items in turn.
type cycler struct {
	items []any
	at    int
}

func cyclerOf(c *call) any {
	if len(c.args) == 0 {
		fail("RuntimeError", "at least one item has to be provided")
	}
	return &cycler{items: c.args}
}

func (c *cycler) member(name string) (any, bool) {
	switch name {
	case "current":
		return c.items[c.at], true
	case "items":
		return tuple(c.items), true
	case "pos":
		return int64(c.at), true
	case "next":
		return method{name, func(*call) any {
			out := c.items[c.at]
			c.at = (c.at + 1) % len(c.items)
			return out
		}}, true
	case "reset":
		return method{name, func(*call) any { c.at = 0; return nil }}, true
	}
	return nil, false
}

func joinerOf(c *call) any {
	c.bind("Joiner.__init__", "sep?")
	sep, used := c.text(0, ", "), false
	return method{"joiner", func(*call) any {
		if !used {
			used = true
			return ""
		}
		return sep
	}}
}

// lipsum makes text to fill a page with. It is always the same text.
func lipsum(c *call) any {
	c.bind("generate_lorem_ipsum", "n? html? min? max?")
	const paragraph = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua."
	n := c.whole(0, 5)
	c.r.payTimes(len(paragraph), n)
	if c.has(1) && !c.truth(1) {
		return strings.TrimSuffix(strings.Repeat(paragraph+"\n\n", int(max(n, 0))), "\n\n")
	}
	return markup(strings.TrimSuffix(strings.Repeat("<p>"+paragraph+"</p>\n", int(max(n, 0))), "\n"))
}
