package jinja

import (
	"slices"
	"strings"
)

func (p *parser) forTag() any {
	out := &forStatement{}
	p.nest++
	out.target = p.target(false)
	p.nest--
	p.expect("name:in")
	out.over = p.tuple(tupleOptions{})
	p.frame(func() {
		if p.skipIf("name:if") {
			out.test = p.expression()
		}
		out.recursive = p.skipIf("name:recursive")
		p.loops++
		p.nest++
		p.deepest = max(p.deepest, p.nest)
		out.body = p.body(false, "name:endfor", "name:else")
		if p.next().text == "else" {
			out.otherwise = p.body(true, "name:endfor")
		}
		p.nest--
	})
	return out
}

// refuseLoop keeps the name of a loop's own variable from being a target in it.
func (p *parser) refuseLoop(target node) {
	switch target := target.(type) {
	case *nameNode:
		if target.name == "loop" {
			p.later(p.current().line, "Can't assign to special loop variable in for-loop target")
		}
	case *tupleNode:
		for _, item := range target.items {
			p.refuseLoop(item)
		}
	}
}

func (p *parser) ifTag() any {
	soft := p.soft
	defer func() { p.soft = soft }()
	p.soft = true
	out := &ifStatement{}
	for {
		out.tests = append(out.tests, p.tuple(tupleOptions{}))
		out.bodies = append(out.bodies, p.body(false, "name:elif", "name:else", "name:endif"))
		switch p.next().text {
		case "else":
			out.otherwise = p.body(true, "name:endif")
			return out
		case "endif":
			return out
		}
	}
}

func (p *parser) setTag() any {
	target := p.target(true)
	if p.skipIf("=") {
		return &setStatement{target, p.tuple(tupleOptions{cond: true})}
	}
	out := &setBlockStatement{target: target}
	p.frame(func() {
		first := len(p.out.uses)
		if p.current().is("|") {
			out.filter = p.filters(nil, first)
		}
		p.afterBody(first, func() { out.body = p.body(true, "name:endset") })
	})
	return out
}

// afterBody lets the filters of a block be missed after those in its body.
func (p *parser) afterBody(first int, read func()) {
	own := slices.Clone(p.out.uses[first:])
	p.out.uses = p.out.uses[:first]
	read()
	p.out.uses = append(p.out.uses, own...)
}

func (p *parser) withTag() any {
	out := &withStatement{}
	for p.current().kind != kindBlockEnd {
		if len(out.targets) > 0 {
			p.expect(",")
		}
		out.targets = append(out.targets, p.target(false))
		p.expect("=")
		out.values = append(out.values, p.expression())
	}
	p.frame(func() { out.body = p.body(true, "name:endwith") })
	return out
}

func (p *parser) macroTag() any {
	macro := &macroDef{name: p.nameTarget()}
	p.readMacro(macro, true, "name:endmacro")
	return &macroStatement{macro}
}

// readMacro reads the parameters, when there are any to come, and the body.
func (p *parser) readMacro(macro *macroDef, signature bool, end string) {
	p.frame(func() {
		if signature {
			p.signature(macro)
		}
		p.macros = append(p.macros, macro)
		macro.body = p.body(true, end)
	})
	p.macros = p.macros[:len(p.macros)-1]
}

func (p *parser) signature(macro *macroDef) {
	p.expect("(")
	for p.current().kind != ")" {
		if len(macro.params) > 0 {
			p.expect(",")
		}
		macro.params = append(macro.params, p.nameTarget())
		if p.skipIf("=") {
			macro.defaults = append(macro.defaults, p.expression())
		} else if len(macro.defaults) > 0 {
			p.fail(p.current().line, "non-default argument follows default argument")
		}
	}
	p.expect(")")
}

func (p *parser) callTag() any {
	caller := &macroDef{}
	if p.current().kind == "(" {
		p.signature(caller)
	}
	line := p.current().line
	call, ok := p.expression().(*callNode)
	if !ok {
		p.fail(line, "expected call")
	}
	p.readMacro(caller, false, "name:endcall")
	return &callStatement{call, caller}
}

func (p *parser) filterTag() any {
	out := &filterStatement{}
	p.frame(func() {
		first := len(p.out.uses)
		out.filter = p.filters(p.oneFilter(nil, first), first)
		p.afterBody(first, func() { out.body = p.body(true, "name:endfilter") })
	})
	return out
}

func (p *parser) printTag() any {
	out := &printStatement{}
	for p.current().kind != kindBlockEnd {
		if len(out.items) > 0 {
			p.expect(",")
		}
		out.items = append(out.items, p.expression())
	}
	return out
}

func (p *parser) autoescapeTag() any {
	out := &escapeStatement{on: p.expression()}
	p.frame(func() { out.body = p.body(true, "name:endautoescape") })
	return out
}

func (p *parser) blockTag() any {
	line := p.current().line
	out := &blockStatement{name: p.expect(kindName).text}
	out.scoped = p.skipIf("name:scoped")
	out.required = p.skipIf("name:required")
	if p.current().kind == "-" {
		p.fail(p.current().line, "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.")
	}
	p.frame(func() { out.body = p.body(true, "name:endblock") })
	if out.required {
		p.checkRequired(out)
	}
	p.skipIf("name:" + out.name)
	if p.out.blocks[out.name] != nil {
		p.later(line, "block "+reprText(out.name)+" defined twice")
	}
	p.out.blocks[out.name] = out
	return out
}

func (p *parser) checkRequired(block *blockStatement) {
	for _, s := range block.body {
		if text, ok := s.do.(*textStatement); !ok || strings.TrimSpace(text.text) != "" {
			p.fail(p.current().line, "Required blocks can only contain comments or whitespace")
		}
	}
}

func (p *parser) loadTag(tag string) any {
	out := &loadStatement{of: p.expression()}
	switch tag {
	case "extends":
		if p.frames > 0 {
			p.later(p.current().line, "cannot use extend from a non top-level scope")
		}
	case "include":
		if p.current().is("name:ignore") && p.look().is("name:missing") {
			out.ignoreMissing = true
			p.next()
			p.next()
		}
		p.contextWords()
	case "import":
		p.expect("name:as")
		p.nameTarget()
		p.contextWords()
	case "from":
		p.expect("name:import")
		p.importedNames()
	}
	return out
}

func (p *parser) contextWords() bool {
	if (p.current().is("name:with") || p.current().is("name:without")) && p.look().is("name:context") {
		p.next()
		p.next()
		return true
	}
	return false
}

func (p *parser) importedNames() {
	for first := true; ; first = false {
		if !first {
			p.expect(",")
		}
		if p.current().kind != kindName {
			p.expect(kindName)
		}
		if p.contextWords() {
			return
		}
		line := p.current().line
		if strings.HasPrefix(p.nameTarget(), "_") {
			panic(&Error{Kind: assertionError, Message: "names starting with an underline can not be imported", Line: line})
		}
		if p.skipIf("name:as") {
			p.nameTarget()
		}
		if p.contextWords() || p.current().kind != "," {
			return
		}
	}
}

// target reads what a value is set to: a name, names, or a member of a namespace.
func (p *parser) target(namespace bool) node {
	line := p.current().line
	target := p.tuple(tupleOptions{primary: true, namespace: namespace})
	p.checkTarget(target, target, line)
	if p.nest > 0 {
		p.refuseLoop(target)
	}
	return target
}

func (p *parser) checkTarget(whole, target node, line int) {
	switch target := target.(type) {
	case *nameNode, *memberNode:
		return
	case *tupleNode:
		for _, item := range target.items {
			p.checkTarget(whole, item, line)
		}
		return
	}
	p.fail(line, "can't assign to %s", reprText(nodeName(whole)))
}

func nodeName(n node) string {
	switch n.(type) {
	case *constNode:
		return "const"
	case *listNode:
		return "list"
	case *dictNode:
		return "dict"
	case *tupleNode:
		return "tuple"
	}
	return "expr"
}

func (p *parser) nameTarget() string {
	t := p.expect(kindName)
	switch t.text {
	case "true", "false", "none", "True", "False", "None":
		p.fail(t.line, "can't assign to 'name'")
	}
	return t.text
}
