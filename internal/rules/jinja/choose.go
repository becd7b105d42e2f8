package jinja

func chooseFilters() map[string]filter {
	return map[string]filter{
		"default":    {"value default_value? boolean?", defaultFilter},
		"attr":       {"obj name", attrFilter},
		"map":        {"*", mapFilter},
		"select":     {"*", func(c *call) any { return choose(c, true, false) }},
		"reject":     {"*", func(c *call) any { return choose(c, false, false) }},
		"selectattr": {"*", func(c *call) any { return choose(c, true, true) }},
		"rejectattr": {"*", func(c *call) any { return choose(c, false, true) }},
	}
}

func defaultFilter(c *call) any {
	_, isUndefined := c.args[0].(*undefined)
	if isUndefined || c.truth(2) && !truth(c.args[0]) {
		return c.value(1, "")
	}
	return c.args[0]
}

func attrFilter(c *call) any {
	if u, ok := c.args[0].(*undefined); ok {
		return u.inside()
	}
	name, ok := textOf(c.args[1])
	if !ok {
		fail(typeError, "attribute name must be string, not %s", reprText(typeName(c.args[1])))
	}
	if v, ok := c.r.member(c.args[0], name); ok {
		return v
	}
	return undefinedMember(c.args[0], name)
}

// valueOf takes the value that is filtered from the arguments.
func valueOf(c *call) any {
	v := c.args[0]
	c.args = c.args[1:]
	return v
}

func mapFilter(c *call) any {
	v := valueOf(c)
	make := func() (out []any) {
		if !truth(v) {
			return nil
		}
		do := mapper(c)
		for _, item := range mustIterate(v) {
			c.r.pay(0)
			out = append(out, do(item))
		}
		return out
	}
	return &generator{make, "<generator object sync_do_map>"}
}

func mapper(c *call) func(any) any {
	if path, byName := c.named["attribute"]; byName && len(c.args) == 0 {
		c.take("attribute")
		otherwise, _ := c.take("default")
		if len(c.names) > 0 {
			fail(argumentError, "Unexpected keyword argument %s", reprText(c.names[0]))
		}
		get := c.r.attrGetter(path)
		return func(v any) any {
			out := get(v)
			if _, isUndefined := out.(*undefined); isUndefined && otherwise != nil {
				return otherwise
			}
			return out
		}
	}
	if len(c.args) == 0 {
		fail(argumentError, "map requires a filter argument")
	}
	name, args := str(c.args[0]), c.args[1:]
	return func(v any) any { return c.r.filter(name, c.again(v, args)) }
}

// again is a call with another value before the arguments.
func (c *call) again(v any, args []any) *call {
	out := &call{r: c.r, args: append([]any{v}, args...)}
	for _, name := range c.names {
		out.set(name, c.named[name])
	}
	return out
}

// choose keeps the items for which a test comes to want.
func choose(c *call, want, byAttr bool) any {
	v := valueOf(c)
	make := func() []any {
		if !truth(v) {
			return nil
		}
		return chosen(c, v, want, byAttr)
	}
	return &generator{make, "<generator object select_or_reject>"}
}

func chosen(c *call, v any, want, byAttr bool) (out []any) {
	get := func(v any) any { return v }
	if byAttr {
		if len(c.args) == 0 {
			fail(argumentError, "Missing parameter for attribute name")
		}
		get = c.r.attrGetter(valueOf(c))
	}
	test := truth
	if len(c.args) > 0 {
		name, args := str(c.args[0]), c.args[1:]
		test = func(v any) bool { return truth(c.r.test(name, c.again(v, args))) }
	}
	for _, item := range mustIterate(v) {
		c.r.pay(0)
		if test(get(item)) == want {
			out = append(out, item)
		}
	}
	return out
}
