package pyflow

import (
	"math"
	"strconv"
	"strings"
)

type exprKind int

const (
	exprName exprKind = iota // text: a.b.c
	exprText
	exprInt
	exprFloat
	exprTrue
	exprFalse
	exprNone
	exprEllipsis
	exprList
	exprTuple
	exprDict      // items: key, value, key, value, …
	exprSubscript // items[0] of the others
	exprOr        // items[0] | items[1]
	exprCall      // items[0] with the others, and named arguments
)

// expr is an expression, of the kinds that annotations and defaults are made of.
type expr struct {
	kind    exprKind
	text    string
	integer int64
	float   float64
	items   []*expr
	named   []named
}

// named is an argument with its name.
type named struct {
	name  string
	value *expr
}

// parser reads expressions.
type parser struct {
	tokens []token
	at     int
	number int // of the source line, for errors
}

// parse reads the tokens as one expression.
func parse(tokens []token, number int) (*expr, error) {
	p := &parser{tokens: tokens, number: number}
	e, err := p.list()
	if err == nil && p.at < len(p.tokens) {
		err = p.fail()
	}
	return e, err
}

func (p *parser) fail() error { return unknownf(p.number, "an expression is not understood") }

func (p *parser) peek(op string) bool { return p.at < len(p.tokens) && p.tokens[p.at].is(op) }

func (p *parser) take(op string) bool {
	if p.peek(op) {
		p.at++
		return true
	}
	return false
}

// list reads an expression, or several with commas between them: a tuple.
func (p *parser) list() (*expr, error) {
	first, err := p.or()
	if err != nil || !p.peek(",") {
		return first, err
	}
	tuple := &expr{kind: exprTuple, items: []*expr{first}}
	for p.take(",") {
		if p.at == len(p.tokens) || p.peek(")") || p.peek("]") {
			break
		}
		next, err := p.or()
		if err != nil {
			return nil, err
		}
		tuple.items = append(tuple.items, next)
	}
	return tuple, nil
}

func (p *parser) or() (*expr, error) {
	left, err := p.primary()
	for err == nil && p.take("|") {
		var right *expr
		right, err = p.primary()
		left = &expr{kind: exprOr, items: []*expr{left, right}}
	}
	return left, err
}

func (p *parser) primary() (*expr, error) {
	e, err := p.atom()
	for err == nil {
		switch {
		case e.kind == exprName && p.take("."):
			if p.at == len(p.tokens) || p.tokens[p.at].kind != tokenName {
				return nil, p.fail()
			}
			e.text += "." + p.tokens[p.at].text
			p.at++
		case e.kind == exprName && p.take("["):
			var inner *expr
			if inner, err = p.list(); err == nil && !p.take("]") {
				err = p.fail()
			}
			if err != nil {
				return nil, err
			}
			args := []*expr{inner}
			if inner.kind == exprTuple && inner.text == "" {
				args = inner.items
			}
			e = &expr{kind: exprSubscript, items: append([]*expr{e}, args...)}
		case e.kind == exprName && p.take("("):
			if e, err = p.call(e); err != nil {
				return nil, err
			}
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *parser) call(function *expr) (*expr, error) {
	call := &expr{kind: exprCall, items: []*expr{function}}
	for !p.take(")") {
		name := ""
		if p.at+1 < len(p.tokens) && p.tokens[p.at].kind == tokenName && p.tokens[p.at+1].is("=") {
			name = p.tokens[p.at].text
			p.at += 2
		}
		value, err := p.or()
		if err != nil {
			return nil, err
		}
		if name == "" {
			call.items = append(call.items, value)
		} else {
			call.named = append(call.named, named{name, value})
		}
		if !p.take(",") && !p.peek(")") {
			return nil, p.fail()
		}
	}
	return call, nil
}

func (p *parser) atom() (*expr, error) {
	if p.at == len(p.tokens) {
		return nil, p.fail()
	}
	t := p.tokens[p.at]
	p.at++
	switch t.kind {
	case tokenName:
		switch t.text {
		case "True":
			return &expr{kind: exprTrue}, nil
		case "False":
			return &expr{kind: exprFalse}, nil
		case "None":
			return &expr{kind: exprNone}, nil
		}
		if isKeyword(t.text) {
			return nil, p.fail()
		}
		return &expr{kind: exprName, text: t.text}, nil
	case tokenNumber:
		return p.numberOf(t.text)
	case tokenString:
		text := t.text
		for ok := t.plain; ; p.at++ {
			if !ok {
				return nil, p.fail()
			}
			if p.at == len(p.tokens) || p.tokens[p.at].kind != tokenString {
				return &expr{kind: exprText, text: text}, nil
			}
			ok = p.tokens[p.at].plain
			text += p.tokens[p.at].text
		}
	case tokenOp:
		switch t.text {
		case "...":
			return &expr{kind: exprEllipsis}, nil
		case "-":
			e, err := p.atom()
			if err != nil || e.kind != exprInt && e.kind != exprFloat {
				return nil, p.fail()
			}
			e.integer, e.float = -e.integer, -e.float
			return e, nil
		case "(":
			return p.parenthesis()
		case "[":
			return p.display("]", exprList)
		case "{":
			return p.dict()
		}
	}
	return nil, p.fail()
}

func isKeyword(name string) bool {
	switch name {
	case "lambda", "not", "await", "yield", "if", "else", "for", "in", "is", "and", "or", "async":
		return true
	}
	return false
}

func (p *parser) numberOf(text string) (*expr, error) {
	text = strings.ReplaceAll(text, "_", "")
	if n, err := strconv.ParseInt(text, 0, 64); err == nil && (len(text) == 1 || text[0] != '0' || !isDigit(text[1])) {
		return &expr{kind: exprInt, integer: n}, nil
	}
	if strings.HasPrefix(strings.ToLower(text), "0x") {
		return nil, p.fail()
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, ".eE") && !math.IsInf(f, 0) {
		return &expr{kind: exprFloat, float: f}, nil
	}
	return nil, p.fail()
}

// parenthesis reads what is in brackets: an expression, or a tuple.
func (p *parser) parenthesis() (*expr, error) {
	if p.take(")") {
		return &expr{kind: exprTuple, text: "()"}, nil
	}
	e, err := p.list()
	if err == nil && !p.take(")") {
		err = p.fail()
	}
	if err == nil && e.kind == exprTuple {
		e.text = "()" // in brackets of its own
	}
	return e, err
}

func (p *parser) display(end string, kind exprKind) (*expr, error) {
	e := &expr{kind: kind}
	for !p.take(end) {
		item, err := p.or()
		if err != nil {
			return nil, err
		}
		e.items = append(e.items, item)
		if !p.take(",") && !p.peek(end) {
			return nil, p.fail()
		}
	}
	return e, nil
}

func (p *parser) dict() (*expr, error) {
	e := &expr{kind: exprDict}
	for !p.take("}") {
		key, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.take(":") {
			return nil, p.fail()
		}
		value, err := p.or()
		if err != nil {
			return nil, err
		}
		e.items = append(e.items, key, value)
		if !p.take(",") && !p.peek("}") {
			return nil, p.fail()
		}
	}
	return e, nil
}
