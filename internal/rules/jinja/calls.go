package jinja

import (
	"slices"
	"strings"
)

// call is what a function is called with.
type call struct {
	r     *run
	args  []any
	names []string // of what is given by name, in its order
	named map[string]any
}

func (c *call) set(name string, value any) {
	if c.named == nil {
		c.named = map[string]any{}
	}
	if _, given := c.named[name]; !given {
		c.names = append(c.names, name)
	}
	c.named[name] = value
}

// take removes what is given by a name.
func (c *call) take(name string) (any, bool) {
	v, ok := c.named[name]
	delete(c.named, name)
	c.names = slices.DeleteFunc(c.names, func(n string) bool { return n == name })
	return v, ok
}

type missing struct{}

// bind sorts the arguments into the order of params, words of which those with a
// question mark may be missing.
func (c *call) bind(function, params string) {
	words := strings.Fields(params)
	if len(c.args) > len(words) {
		least := 0
		for _, word := range words {
			if !strings.HasSuffix(word, "?") {
				least++
			}
		}
		if least < len(words) {
			fail(typeError, "%s() takes from %d to %d positional arguments but %d were given", function, least, len(words), len(c.args))
		}
		fail(typeError, "%s() takes %d positional argument%s but %d were given", function, len(words), plural(len(words)), len(c.args))
	}
	for i, word := range words {
		name, optional := strings.CutSuffix(word, "?")
		value, given := c.take(name)
		switch {
		case i < len(c.args) && given:
			fail(typeError, "%s() got multiple values for argument %s", function, reprText(name))
		case i < len(c.args):
		case given:
			c.args = append(c.args, value)
		case optional:
			c.args = append(c.args, missing{})
		default:
			fail(typeError, "%s() missing 1 required positional argument: %s", function, reprText(name))
		}
	}
	if len(c.names) > 0 {
		fail(typeError, "%s() got an unexpected keyword argument %s", function, reprText(c.names[0]))
	}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func (c *call) has(i int) bool {
	if i >= len(c.args) {
		return false
	}
	_, absent := c.args[i].(missing)
	return !absent
}

func (c *call) value(i int, otherwise any) any {
	if c.has(i) {
		return c.args[i]
	}
	return otherwise
}

// whole is an argument that must be a whole number.
func (c *call) whole(i int, otherwise int64) int64 {
	v := c.value(i, otherwise)
	n, ok := intOf(v)
	if !ok {
		fail(typeError, "%s object cannot be interpreted as an integer", reprText(typeName(v)))
	}
	return n
}

func (c *call) text(i int, otherwise string) string { return str(c.value(i, otherwise)) }

// soft is an argument as a text, which for what is a text already is what it is rather
// than what it prints as.
func (c *call) soft(i int) string {
	if text, ok := textOf(c.args[i]); ok {
		return text
	}
	return c.text(i, "")
}

func (c *call) truth(i int) bool { return truth(c.value(i, false)) }

func (r *run) callOf(n *callNode, s *scope) *call { return r.argumentsOf(n.args, s) }

func (r *run) argumentsOf(a arguments, s *scope) *call {
	c := &call{r: r, args: r.evalAll(a.positional, s)}
	for i, name := range a.names {
		c.set(name, r.eval(a.named[i], s))
	}
	if a.star != nil {
		c.args = append(c.args, mustIterate(r.eval(a.star, s))...)
	}
	if a.starStar != nil {
		dict, ok := r.eval(a.starStar, s).(*Dict)
		if !ok {
			fail(typeError, "argument after ** must be a mapping")
		}
		for _, key := range dict.keys {
			value, _ := dict.Get(key)
			c.set(str(key), value)
		}
	}
	return c
}

// invoke calls a value.
func (r *run) invoke(of any, c *call) any {
	switch of := of.(type) {
	case method:
		return of.do(c)
	case Func:
		return callFunc(of, c)
	case *macro:
		return r.callMacro(of, c)
	case *loop:
		if of.again == nil {
			fail(typeError, "The loop must have the 'recursive' marker to be called recursively.")
		}
		c.bind("__call__", "iterable")
		return of.again(c.args[0])
	case *undefined:
		of.fail()
	}
	fail(typeError, "%s object is not callable", reprText(typeName(of)))
	return nil
}

func callFunc(f Func, c *call) any {
	out, err := f(c.args, c.named)
	if err != nil {
		fail(valueError, "%s", err.Error())
	}
	return adopt(out)
}

// shown is how errors name a macro; what a call block calls has no name.
func (d *macroDef) shown() string {
	if d.name == "" {
		return "None"
	}
	return reprText(d.name)
}

// macro is a macro, with the names that it sees.
type macro struct {
	def   *macroDef
	scope *scope
}

func (r *run) callMacro(m *macro, c *call) any {
	defer r.enter()()
	s := m.scope.inner()
	r.bindMacro(m, c, s)
	line := r.line
	var b strings.Builder
	r.exec(m.def.body, s, &b)
	r.line = line
	return r.safe(b.String())
}

func (r *run) bindMacro(m *macro, c *call, s *scope) {
	def := m.def
	given := map[string]any{}
	for i, name := range def.params {
		if i < len(c.args) {
			given[name] = c.args[i]
		} else if value, ok := c.take(name); ok {
			given[name] = value
		}
	}
	bindRest(def, c, s)
	noDefault := len(def.params) - len(def.defaults)
	for i, name := range def.params {
		value, ok := given[name]
		switch {
		case ok:
		case i >= noDefault:
			value = r.eval(def.defaults[i-noDefault], s)
		default:
			value = missingValue("parameter " + reprText(name) + " was not provided")
		}
		s.vars[name] = value
	}
}

// bindRest binds what is given beyond the parameters, or refuses it.
func bindRest(def *macroDef, c *call, s *scope) {
	if def.usesCaller && !slices.Contains(def.params, "caller") {
		caller, given := c.take("caller")
		if !given {
			caller = missingValue("No caller defined")
		}
		s.vars["caller"] = caller
	}
	rest := c.args[min(len(def.params), len(c.args)):]
	switch {
	case def.usesKwargs:
		kwargs := NewDict()
		for _, name := range c.names {
			kwargs.Set(name, c.named[name])
		}
		s.vars["kwargs"] = kwargs
	case slices.Contains(c.names, "caller"):
		fail(typeError, "macro %s was invoked with two values for the special caller argument. This is most likely a bug.", def.shown())
	case len(c.names) > 0:
		fail(typeError, "macro %s takes no keyword argument %s", def.shown(), reprText(c.names[0]))
	}
	switch {
	case def.usesVarargs:
		s.vars["varargs"] = tuple(rest)
	case len(rest) > 0:
		fail(typeError, "macro %s takes not more than %d argument(s)", def.shown(), len(def.params))
	}
}

func (m *macro) member(name string) (any, bool) {
	switch name {
	case "name":
		return m.def.name, true
	case "arguments":
		return each(m.def.params, func(s string) any { return s }), true
	case "catch_kwargs":
		return m.def.usesKwargs, true
	case "catch_varargs":
		return m.def.usesVarargs, true
	case "caller":
		return m.def.usesCaller, true
	}
	return nil, false
}
