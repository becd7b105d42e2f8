package jinja

import (
	"fmt"
	"strings"
	"time"
)

// Env is what a template is rendered in.
type Env struct {
	Now     time.Time       // what "3 seconds ago" counts from
	Filters map[string]Func // more filters
	Steps   int             // how much work a template may make; DefaultSteps when 0
	Output  int             // how many bytes it may come to; DefaultOutput when 0
}

// The limits that hold unless others are given. So many steps take about a second.
const (
	DefaultSteps  = 2_000_000
	DefaultOutput = 4 << 20
)

// maxCalls bounds how deep macros, loops and blocks call each other.
const maxCalls = 100

// MaybeTemplate says whether a text has anything to render; what has not is taken as it is.
func MaybeTemplate(text string) bool {
	return strings.Contains(text, "{{") || strings.Contains(text, "{%")
}

// Validate says what is wrong with a user's template: an *Error, or nil.
func Validate(source string) error {
	if _, err := parse(source); err != nil {
		return err
	}
	return nil
}

// Render renders a template. Its errors are *RenderError.
func Render(source string, vars map[string]any, env Env) (string, error) {
	if !MaybeTemplate(source) {
		return source, nil
	}
	out, err := render(source, vars, env)
	if err != nil {
		return "", &RenderError{err}
	}
	return out, nil
}

func render(source string, vars map[string]any, env Env) (_ string, err *Error) {
	t, err := parse(source)
	if err != nil {
		return "", err
	}
	if env.Steps == 0 {
		env.Steps = DefaultSteps
	}
	if env.Output == 0 {
		env.Output = DefaultOutput
	}
	r := &run{env: env, template: t, steps: env.Steps}
	defer func() {
		if err != nil && err.Line == 0 {
			err.Line = r.line
		}
	}()
	defer catch(&err)
	r.checkUses()
	adopted := make(map[string]any, len(vars))
	for name, value := range vars {
		adopted[name] = adopt(value)
	}
	r.root = &scope{vars: map[string]any{}, parent: &scope{vars: adopted}}
	var b strings.Builder
	r.exec(t.body, r.root, &b)
	return b.String(), nil
}

// run is one rendering.
type run struct {
	env      Env
	template *template
	root     *scope
	steps    int
	line     int
	calls    int
	escape   bool // texts are escaped
}

// scope is where names have values.
type scope struct {
	vars   map[string]any
	parent *scope
}

func (s *scope) inner() *scope { return &scope{vars: map[string]any{}, parent: s} }

func (s *scope) find(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// pay counts the work of making n bytes.
func (r *run) pay(n int) {
	if r.steps -= 1 + n/64; r.steps < 0 {
		fail(securityError, "the template takes too long: it makes more than %d steps", r.env.Steps)
	}
}

// payTimes counts the work of making n bytes so many times, before it is done.
func (r *run) payTimes(n int, times int64) {
	if times > 0 && n > 0 && times > int64(r.steps)*64/int64(n) {
		r.pay(r.steps*64 + 64)
	}
	r.pay(n * int(times))
}

// enter counts a call within calls; it returns what undoes it.
func (r *run) enter() func() {
	if r.calls++; r.calls > maxCalls {
		fail("RecursionError", "maximum recursion depth exceeded")
	}
	return func() { r.calls-- }
}

func (r *run) checkUses() {
	for _, err := range r.template.late {
		panic(err)
	}
	for _, u := range r.template.uses {
		if u.soft {
			continue
		}
		_, known := r.filterNamed(u.name)
		if u.what == "test" {
			_, known = tests()[u.name]
		}
		if !known {
			panic(&Error{Kind: assertionError, Message: fmt.Sprintf("No %s named %s.", u.what, reprText(u.name)), Line: u.line})
		}
	}
}

func (r *run) write(b *strings.Builder, text string) {
	r.pay(len(text))
	if b.Len()+len(text) > r.env.Output {
		fail(securityError, "the template comes to more than %d bytes", r.env.Output)
	}
	b.WriteString(text)
}

func (r *run) exec(body []statement, s *scope, b *strings.Builder) {
	for i := range body {
		r.line = body[i].line
		r.pay(0)
		r.one(body[i].do, s, b)
	}
}

func (r *run) one(do any, s *scope, b *strings.Builder) {
	switch do := do.(type) {
	case *textStatement:
		r.write(b, do.text)
	case *printStatement:
		for _, item := range do.items {
			r.write(b, r.shown(r.eval(item, s)))
		}
	case *ifStatement:
		r.choose(do, s, b)
	case *forStatement:
		r.loop(do, r.eval(do.over, s), s, b, 0)
	case *setStatement:
		checkSpaces(do.target, s)
		r.assign(do.target, r.eval(do.value, s), s)
	case *setBlockStatement:
		value := r.capture(do.body, s.inner())
		if do.filter != nil {
			value = r.safe(str(r.filterText(do.filter, value, s)))
		}
		r.assign(do.target, value, s)
	case *withStatement:
		inner := s.inner()
		for i, target := range do.targets {
			r.assign(target, r.eval(do.values[i], s), inner)
		}
		r.exec(do.body, inner, b)
	case *macroStatement:
		s.vars[do.macro.name] = &macro{do.macro, s}
	case *callStatement:
		c := r.callOf(do.call, s)
		c.set("caller", &macro{do.caller, s})
		r.write(b, mustText(r.invoke(r.eval(do.call.of, s), c)))
	case *filterStatement:
		r.write(b, mustText(r.filterText(do.filter, r.capture(do.body, s.inner()), s)))
	case *escapeStatement:
		was := r.escape
		r.escape = truth(r.eval(do.on, s))
		r.exec(do.body, s.inner(), b)
		r.escape = was
	case *blockStatement:
		r.block(do, s, b)
	case *loadStatement:
		r.eval(do.of, s)
		fail(typeError, "no loader for this environment specified")
	}
}

// mustText is the text that something that is put out unseen must be.
func mustText(v any) string {
	text, ok := textOf(v)
	if !ok {
		fail(typeError, "sequence item 0: expected str instance, %s found", typeName(v))
	}
	return text
}

func (r *run) shown(v any) string {
	if r.escape {
		return string(escape(v))
	}
	return str(v)
}

// safe makes a text that was put out a value.
func (r *run) safe(text string) any {
	if r.escape {
		return markup(text)
	}
	return text
}

func (r *run) capture(body []statement, s *scope) any {
	defer r.enter()()
	var b strings.Builder
	r.exec(body, s, &b)
	return r.safe(b.String())
}

func (r *run) choose(do *ifStatement, s *scope, b *strings.Builder) {
	for i, test := range do.tests {
		if truth(r.eval(test, s)) {
			r.exec(do.bodies[i], s, b)
			return
		}
	}
	r.exec(do.otherwise, s, b)
}

func (r *run) block(do *blockStatement, s *scope, b *strings.Builder) {
	defer r.enter()()
	if do.required {
		fail("TemplateRuntimeError", "Required block %s not found", reprText(do.name))
	}
	if !do.scoped {
		s = r.root
	}
	r.exec(do.body, s.inner(), b)
}

func (r *run) assign(target node, value any, s *scope) {
	switch target := target.(type) {
	case *nameNode:
		s.vars[target.name] = value
	case *memberNode:
		spaceOf(target, s).Set(target.name, value)
	case *tupleNode:
		items := unpack(value, len(target.items))
		for i, item := range target.items {
			r.assign(item, items[i], s)
		}
	}
}

// spaceOf is the namespace whose member is set.
func spaceOf(target *memberNode, s *scope) namespace {
	of, _ := s.find(target.namespace)
	space, ok := of.(namespace)
	if !ok {
		fail("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
	}
	return space
}

// checkSpaces refuses a target that can't be set before its value is worked out.
func checkSpaces(target node, s *scope) {
	switch target := target.(type) {
	case *memberNode:
		spaceOf(target, s)
	case *tupleNode:
		for _, item := range target.items {
			checkSpaces(item, s)
		}
	}
}

// unpack takes a value apart into so many.
func unpack(value any, want int) []any {
	items, ok := iterate(value)
	switch {
	case !ok:
		fail(typeError, "cannot unpack non-iterable %s object", typeName(value))
	case len(items) < want:
		fail(valueError, "not enough values to unpack (expected %d, got %d)", want, len(items))
	case len(items) > want:
		fail(valueError, "too many values to unpack (expected %d)", want)
	}
	return items
}
