package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// What a template may have of loops.
const (
	maxLoops = 10
	maxNest  = 2
	maxDepth = 200 // of expressions and statements within each other
)

// template is what a text was read into.
type template struct {
	body   []statement
	blocks map[string]*blockStatement
	uses   []use
	late   []*Error // what rendering ends with before it begins
}

// use is a filter or test that the template names. One that is unknown stops a template
// before it is rendered, except where a condition may keep it from being used.
type use struct {
	what, name string // what: filter, test
	line       int
	soft       bool
}

type parser struct {
	tokens []token
	at     int
	tags   []string   // that are open
	ends   [][]string // that are looked for
	out    *template

	loops, nest, deepest int
	depth                int
	soft                 bool
	frames               int
	macros               []*macroDef // being read, outer first
}

// parse reads a template, and checks its loops when it comes from a user.
func parse(source string) (_ *template, err *Error) {
	defer catch(&err)
	p := &parser{tokens: tokenize(source), out: &template{blocks: map[string]*blockStatement{}}}
	p.out.body = p.statements(nil)
	if p.loops > maxLoops {
		fail(securityError, "Contains %d for loops. Templates can contain no more than %d for loops.", p.loops, maxLoops)
	}
	if p.deepest > maxNest {
		fail(securityError, "Contains nested for loops at a depth of %d. Templates can nest for loops no more than %d loops deep.", p.deepest, maxNest)
	}
	return p.out, nil
}

func (p *parser) current() token { return p.peek(0) }

func (p *parser) look() token { return p.peek(1) }

// peek looks at a token to come. What could not be read is an error once it is looked at.
func (p *parser) peek(ahead int) token {
	t := p.tokens[min(p.at+ahead, len(p.tokens)-1)]
	if problem, unread := t.value.(*Error); unread {
		panic(problem)
	}
	return t
}

func (p *parser) next() token {
	t := p.current()
	if t.kind != kindEOF {
		p.at++
		p.current()
	}
	return t
}

func (p *parser) fail(line int, format string, args ...any) {
	panic(&Error{Kind: syntaxError, Message: fmt.Sprintf(format, args...), Line: line})
}

// is says whether a token is of a kind, or a name given as name:word.
func (t token) is(want string) bool {
	if word, isName := strings.CutPrefix(want, "name:"); isName {
		return t.kind == kindName && t.text == word
	}
	return t.kind == want
}

func (t token) describe() string {
	if t.kind == kindName {
		return t.text
	}
	return describe(t.kind)
}

func describeWant(want string) string {
	if word, isName := strings.CutPrefix(want, "name:"); isName {
		return word
	}
	return describe(want)
}

func (p *parser) skipIf(want string) bool {
	if p.current().is(want) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(want string) token {
	t := p.current()
	if !t.is(want) {
		if t.kind == kindEOF {
			p.fail(t.line, "unexpected end of template, expected %s.", reprText(describeWant(want)))
		}
		p.fail(t.line, "expected token %s, got %s", reprText(describeWant(want)), reprText(t.describe()))
	}
	return p.next()
}

// deeper bounds how far things are within each other; it returns what undoes it.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.current().line, "the template is nested more than %d deep", maxDepth)
	}
	return func() { p.depth-- }
}

// statements reads up to a tag that is one of ends, without taking it.
func (p *parser) statements(ends []string) []statement {
	defer p.deeper()()
	if ends != nil {
		p.ends = append(p.ends, ends)
		defer func() { p.ends = p.ends[:len(p.ends)-1] }()
	}
	body := []statement{}
	for p.current().kind != kindEOF {
		switch t := p.next(); t.kind {
		case kindData:
			body = append(body, statement{t.line, &textStatement{t.text}})
		case kindVariableBegin:
			value := p.tuple(tupleOptions{cond: true})
			body = append(body, statement{t.line, &printStatement{[]node{value}}})
			p.expect(kindVariableEnd)
		case kindBlockBegin:
			if slices.ContainsFunc(ends, p.current().is) {
				return body
			}
			line := p.current().line
			body = append(body, statement{line, p.statement()})
			p.expect(kindBlockEnd)
		}
	}
	if ends != nil {
		p.failOpen("", p.current().line)
	}
	return body
}

// body reads the statements of a tag. The tag that ends it is left, or taken with drop.
func (p *parser) body(drop bool, ends ...string) []statement {
	p.skipIf(":")
	p.expect(kindBlockEnd)
	body := p.statements(ends)
	if drop {
		p.next()
	}
	return body
}

// later notes an error that only stops a template from being rendered.
func (p *parser) later(line int, message string) {
	p.out.late = append(p.out.late, &Error{Kind: assertionError, Message: message, Line: line})
}

// frame reads the body of what has variables of its own.
func (p *parser) frame(read func()) {
	soft := p.soft
	p.soft = false
	p.frames++
	read()
	p.frames--
	p.soft = soft
}

func (p *parser) failOpen(unknown string, line int) {
	message := "Unexpected end of template."
	if unknown != "" {
		message = "Encountered unknown tag " + reprText(unknown) + "."
	}
	if len(p.ends) > 0 {
		var words []string
		for _, want := range p.ends[len(p.ends)-1] {
			words = append(words, reprText(describeWant(want)))
		}
		looking := strings.Join(words, " or ")
		isEnd := func(ends []string) bool { return slices.Contains(ends, "name:"+unknown) }
		if unknown != "" && slices.ContainsFunc(p.ends, isEnd) {
			message += " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for " + looking + "."
		} else {
			message += " Jinja was looking for the following tags: " + looking + "."
		}
	}
	if len(p.tags) > 0 {
		message += " The innermost block that needs to be closed is " + reprText(p.tags[len(p.tags)-1]) + "."
	}
	p.fail(line, "%s", message)
}

func (p *parser) statement() any {
	t := p.current()
	if t.kind != kindName {
		p.fail(t.line, "tag name expected")
	}
	read := p.tagReader(t.text)
	if read == nil {
		p.failOpen(t.text, t.line)
	}
	p.next()
	p.tags = append(p.tags, t.text)
	defer func() { p.tags = p.tags[:len(p.tags)-1] }()
	return read()
}

func (p *parser) tagReader(name string) func() any {
	switch name {
	case "for":
		return p.forTag
	case "if":
		return p.ifTag
	case "set":
		return p.setTag
	case "with":
		return p.withTag
	case "macro":
		return p.macroTag
	case "call":
		return p.callTag
	case "filter":
		return p.filterTag
	case "print":
		return p.printTag
	case "autoescape":
		return p.autoescapeTag
	case "block":
		return p.blockTag
	case "extends", "include", "import", "from":
		return func() any { return p.loadTag(name) }
	}
	return nil
}
