package jinja

import "slices"

func (p *parser) expression() node {
	defer p.deeper()()
	return p.conditional()
}

func (p *parser) conditional() node {
	uses, line := len(p.out.uses), p.current().line
	out := p.or()
	for p.skipIf("name:if") {
		cond := &condNode{test: p.or(), then: out, line: line}
		if p.skipIf("name:else") {
			cond.otherwise = p.expression()
		}
		out = cond
		for i := range p.out.uses[uses:] {
			p.out.uses[uses+i].soft = true
		}
	}
	return out
}

func (p *parser) or() node {
	left := p.and()
	for p.skipIf("name:or") {
		left = &logicNode{"or", left, p.and()}
	}
	return left
}

func (p *parser) and() node {
	left := p.not()
	for p.skipIf("name:and") {
		left = &logicNode{"and", left, p.not()}
	}
	return left
}

func (p *parser) not() node {
	if p.current().is("name:not") {
		defer p.deeper()()
		p.next()
		return &notNode{p.not()}
	}
	return p.compare()
}

func (p *parser) compare() node {
	out := &compareNode{first: p.sum()}
	for {
		switch t := p.current(); {
		case slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.kind):
			p.next()
			out.ops = append(out.ops, t.kind)
		case t.is("name:in"):
			p.next()
			out.ops = append(out.ops, "in")
		case t.is("name:not") && p.look().is("name:in"):
			p.next()
			p.next()
			out.ops = append(out.ops, "not in")
		case len(out.ops) == 0:
			return out.first
		default:
			return out
		}
		out.rest = append(out.rest, p.sum())
	}
}

// binary reads operators of one rank, from left to right.
func (p *parser) binary(operand func() node, ops ...string) node {
	left := operand()
	for slices.Contains(ops, p.current().kind) {
		left = &binNode{p.next().kind, left, operand()}
	}
	return left
}

func (p *parser) sum() node { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() node {
	items := []node{p.product()}
	for p.skipIf("~") {
		items = append(items, p.product())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &concatNode{items}
}

func (p *parser) product() node { return p.binary(p.power, "*", "/", "//", "%") }

func (p *parser) power() node {
	return p.binary(func() node { return p.unary(true) }, "**")
}

func (p *parser) unary(withFilters bool) node {
	defer p.deeper()()
	var out node
	first := len(p.out.uses)
	if t := p.current(); t.kind == "-" || t.kind == "+" {
		p.next()
		out = &signNode{t.kind, p.unary(false)}
	} else {
		out = p.primary(false)
	}
	out = p.postfix(out)
	if withFilters {
		out = p.filterTail(out, first)
	}
	return out
}

func (p *parser) primary(namespace bool) node {
	switch t := p.current(); t.kind {
	case kindName:
		p.next()
		return p.name(t.text, namespace)
	case kindString:
		text := ""
		for p.current().kind == kindString {
			text += p.next().text
		}
		return &constNode{text}
	case kindInteger, kindFloat:
		p.next()
		return &constNode{t.value}
	case "(":
		p.next()
		out := p.tuple(tupleOptions{cond: true, parentheses: true})
		p.expect(")")
		return out
	case "[":
		return p.list()
	case "{":
		return p.dict()
	default:
		p.fail(t.line, "unexpected %s", reprText(t.describe()))
		return nil
	}
}

func (p *parser) name(name string, namespace bool) node {
	switch name {
	case "true", "True":
		return &constNode{true}
	case "false", "False":
		return &constNode{false}
	case "none", "None":
		return &constNode{nil}
	}
	if namespace && p.skipIf(".") {
		return &memberNode{name, p.expect(kindName).text}
	}
	for _, macro := range p.macros {
		macro.usesVarargs = macro.usesVarargs || name == "varargs"
		macro.usesKwargs = macro.usesKwargs || name == "kwargs"
		macro.usesCaller = macro.usesCaller || name == "caller"
	}
	return &nameNode{name}
}

type tupleOptions struct {
	primary     bool // only names and literals
	namespace   bool // names may be members of namespaces
	cond        bool // conditional expressions
	parentheses bool // so that it may be empty
}

// tuple reads an expression, or several with commas between them.
func (p *parser) tuple(o tupleOptions) node {
	defer p.deeper()()
	var items []node
	isTuple := false
	for {
		if len(items) > 0 {
			p.expect(",")
		}
		if p.tupleEnds() {
			break
		}
		items = append(items, p.tupleItem(o))
		if p.current().kind != "," {
			break
		}
		isTuple = true
	}
	if !isTuple && len(items) == 1 {
		return items[0]
	}
	if !isTuple && !o.parentheses {
		t := p.current()
		p.fail(t.line, "Expected an expression, got %s", reprText(t.describe()))
	}
	return &tupleNode{items}
}

func (p *parser) tupleItem(o tupleOptions) node {
	switch {
	case o.primary:
		return p.primary(o.namespace)
	case o.cond:
		return p.expression()
	}
	return p.or()
}

func (p *parser) tupleEnds() bool {
	t := p.current()
	return t.kind == kindVariableEnd || t.kind == kindBlockEnd || t.kind == ")"
}

func (p *parser) list() node {
	p.expect("[")
	out := &listNode{}
	for p.current().kind != "]" {
		if len(out.items) > 0 {
			p.expect(",")
		}
		if p.current().kind == "]" {
			break
		}
		out.items = append(out.items, p.expression())
	}
	p.expect("]")
	return out
}

func (p *parser) dict() node {
	p.expect("{")
	out := &dictNode{}
	for p.current().kind != "}" {
		if len(out.keys) > 0 {
			p.expect(",")
		}
		if p.current().kind == "}" {
			break
		}
		out.keys = append(out.keys, p.expression())
		p.expect(":")
		out.values = append(out.values, p.expression())
	}
	p.expect("}")
	return out
}

func (p *parser) postfix(out node) node {
	for {
		switch p.current().kind {
		case ".":
			out = p.member(out)
		case "[":
			out = p.subscript(out)
		case "(":
			out = &callNode{out, p.arguments()}
		default:
			return out
		}
	}
}

func (p *parser) filterTail(out node, first int) node {
	for {
		switch t := p.current(); {
		case t.kind == "|":
			out = p.filters(out, first)
		case t.is("name:is"):
			out = p.test(out, first)
		case t.kind == "(":
			out = &callNode{out, p.arguments()}
		default:
			return out
		}
	}
}

func (p *parser) member(of node) node {
	p.next()
	switch t := p.next(); t.kind {
	case kindName:
		return &attrNode{of, t.text}
	case kindInteger:
		return &itemNode{of, &constNode{t.value}}
	default:
		p.fail(t.line, "expected name or number")
		return nil
	}
}

func (p *parser) subscript(of node) node {
	p.next()
	var keys []node
	for p.current().kind != "]" {
		if len(keys) > 0 {
			p.expect(",")
		}
		keys = append(keys, p.subscribed())
	}
	p.expect("]")
	if len(keys) == 1 {
		return &itemNode{of, keys[0]}
	}
	return &itemNode{of, &tupleNode{keys}}
}

func (p *parser) subscribed() node {
	slice := &sliceNode{}
	if p.current().kind != ":" {
		out := p.expression()
		if p.current().kind != ":" {
			return out
		}
		slice.start = out
	}
	p.next()
	bound := func() node {
		switch p.current().kind {
		case ":", "]", ",":
			return nil
		}
		return p.expression()
	}
	slice.stop = bound()
	if p.skipIf(":") {
		slice.step = bound()
	}
	return slice
}

func (p *parser) arguments() arguments {
	line := p.expect("(").line
	var out arguments
	ensure := func(ok bool) {
		if !ok {
			p.fail(line, "invalid syntax for function call expression")
		}
	}
	for first := true; p.current().kind != ")"; first = false {
		if !first {
			p.expect(",")
			if p.current().kind == ")" {
				break
			}
		}
		switch {
		case p.skipIf("*"):
			ensure(out.star == nil && out.starStar == nil)
			out.star = p.expression()
		case p.skipIf("**"):
			ensure(out.starStar == nil)
			out.starStar = p.expression()
		case p.current().kind == kindName && p.look().kind == "=":
			ensure(out.starStar == nil)
			out.names = append(out.names, p.next().text)
			p.next()
			out.named = append(out.named, p.expression())
		default:
			ensure(out.star == nil && out.starStar == nil && len(out.names) == 0)
			out.positional = append(out.positional, p.expression())
		}
	}
	p.expect(")")
	return out
}

func (p *parser) dotted() string {
	name := p.expect(kindName).text
	for p.skipIf(".") {
		name += "." + p.expect(kindName).text
	}
	return name
}

// use notes a filter or test before those of what it is for, which begin at first: the
// reference looks for the outer one first.
func (p *parser) use(what, name string, line, first int) {
	p.out.uses = slices.Insert(p.out.uses, first, use{what, name, line, p.soft})
}

func (p *parser) filters(of node, first int) node {
	for p.skipIf("|") {
		of = p.oneFilter(of, first)
	}
	return of
}

func (p *parser) oneFilter(of node, first int) node {
	line := p.current().line
	out := &filterNode{of: of, name: p.dotted()}
	p.use("filter", out.name, line, first)
	if p.current().kind == "(" {
		out.args = p.arguments()
	}
	return out
}

func (p *parser) test(of node, first int) node {
	line := p.next().line
	negated := p.skipIf("name:not")
	out := &testNode{of: of, name: p.dotted()}
	p.use("test", out.name, line, first)
	switch t := p.current(); {
	case t.kind == "(":
		out.args = p.arguments()
	case t.is("name:else") || t.is("name:or") || t.is("name:and"):
	case t.is("name:is"):
		p.fail(t.line, "You cannot chain multiple tests with is")
	case slices.Contains([]string{kindName, kindString, kindInteger, kindFloat, "[", "{"}, t.kind):
		out.args.positional = []node{p.postfix(p.primary(false))}
	}
	if negated {
		return &notNode{out}
	}
	return out
}
