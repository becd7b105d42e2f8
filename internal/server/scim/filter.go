package scim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// filter says whether a resource, or a value with parts, is wanted: RFC 7644 §3.4.2.2.
type filter func(object) bool

// object is a resource or a value with parts, as JSON has it.
type object = map[string]any

// parseFilter reads a filter. An attribute that no resource has is there in none.
func parseFilter(text string) (filter, error) {
	p := &parser{rest: text}
	f, err := p.or()
	if err == nil && p.skip() != "" {
		err = fmt.Errorf("the filter goes on with %q", p.rest)
	}
	if err != nil {
		return nil, fail(400, "invalidFilter", err.Error())
	}
	return f, nil
}

// maxDepth bounds how deep parentheses go.
const maxDepth = 20

type parser struct {
	rest  string
	depth int
}

func (p *parser) skip() string {
	p.rest = strings.TrimLeft(p.rest, " ")
	return p.rest
}

// word takes a word if it is next, whatever its case.
func (p *parser) word(w string) bool {
	rest := p.skip()
	if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) {
		return false
	}
	if after := rest[len(w):]; w != "(" && w != ")" && w != "]" && after != "" && !strings.ContainsAny(after[:1], " (") {
		return false
	}
	p.rest = rest[len(w):]
	return true
}

func (p *parser) or() (filter, error) {
	return p.chain("or", p.and, func(a, b bool) bool { return a || b })
}

func (p *parser) and() (filter, error) {
	return p.chain("and", p.not, func(a, b bool) bool { return a && b })
}

func (p *parser) chain(word string, next func() (filter, error), join func(a, b bool) bool) (filter, error) {
	f, err := next()
	for err == nil && p.word(word) {
		var g filter
		first := f
		if g, err = next(); err == nil {
			f = func(o object) bool { return join(first(o), g(o)) }
		}
	}
	return f, err
}

func (p *parser) not() (filter, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("the filter goes too deep")
	}
	defer func() { p.depth-- }()
	isNot := p.word("not")
	if isNot || strings.HasPrefix(p.skip(), "(") {
		if !p.word("(") {
			return nil, fmt.Errorf("not wants parentheses")
		}
		f, err := p.or()
		if err == nil && !p.word(")") {
			err = fmt.Errorf("a parenthesis is missing")
		}
		return func(o object) bool { return f(o) != isNot }, err
	}
	return p.compare()
}

// name takes the name of an attribute.
func (p *parser) name() string {
	rest := p.skip()
	end := strings.IndexAny(rest, " []()")
	if end < 0 {
		end = len(rest)
	}
	p.rest = rest[end:]
	return rest[:end]
}

func (p *parser) compare() (filter, error) {
	path := withoutURN(p.name())
	if path == "" {
		return nil, fmt.Errorf("an attribute is missing")
	}
	if strings.HasPrefix(p.rest, "[") {
		p.rest = p.rest[1:]
		part, err := p.or()
		if err == nil && !p.word("]") {
			err = fmt.Errorf("a bracket is missing")
		}
		return func(o object) bool {
			for _, v := range valuesAt(o, path) {
				if inner, ok := v.(object); ok && part(inner) {
					return true
				}
			}
			return false
		}, err
	}
	op := strings.ToLower(p.name())
	if op == "pr" {
		return func(o object) bool {
			for _, v := range valuesAt(o, path) {
				if v != "" && v != nil {
					return true
				}
			}
			return false
		}, nil
	}
	test, ok := comparisons[op]
	if !ok {
		return nil, fmt.Errorf("there is no operator %q", op)
	}
	wanted, err := p.value()
	exact := strings.EqualFold(path, "id") || strings.EqualFold(path, "externalId")
	return func(o object) bool {
		found := false
		for _, v := range valuesAt(o, path) {
			if inner, isObject := v.(object); isObject {
				v = inner["value"]
			}
			found = found || test(compareValues(v, wanted, exact))
		}
		return found != (op == "ne" && len(valuesAt(o, path)) == 0)
	}, err
}

// compared is how a value is to a wanted one.
type compared struct {
	order      int
	comparable bool
	have, want string // of texts
}

var comparisons = map[string]func(compared) bool{
	"eq": func(c compared) bool { return c.comparable && c.order == 0 },
	"ne": func(c compared) bool { return !c.comparable || c.order != 0 },
	"gt": func(c compared) bool { return c.comparable && c.order > 0 },
	"ge": func(c compared) bool { return c.comparable && c.order >= 0 },
	"lt": func(c compared) bool { return c.comparable && c.order < 0 },
	"le": func(c compared) bool { return c.comparable && c.order <= 0 },
	"co": func(c compared) bool { return c.comparable && strings.Contains(c.have, c.want) },
	"sw": func(c compared) bool { return c.comparable && strings.HasPrefix(c.have, c.want) },
	"ew": func(c compared) bool { return c.comparable && strings.HasSuffix(c.have, c.want) },
}

func compareValues(have, want any, exact bool) compared {
	switch w := want.(type) {
	case bool:
		h, ok := have.(bool)
		if ok && h == w {
			return compared{comparable: true}
		}
		return compared{order: 1, comparable: ok}
	case string:
		h, ok := have.(string)
		if !ok {
			return compared{}
		}
		if a, err := time.Parse(time.RFC3339Nano, h); err == nil {
			if b, err := time.Parse(time.RFC3339Nano, w); err == nil {
				return compared{order: a.Compare(b), comparable: true, have: h, want: w}
			}
		}
		if !exact {
			h, w = strings.ToLower(h), strings.ToLower(w)
		}
		return compared{order: strings.Compare(h, w), comparable: true, have: h, want: w}
	}
	return compared{comparable: have == nil && want == nil}
}

// value takes what is compared with: a text, true, false, null or a number, which nothing
// here is equal to.
func (p *parser) value() (any, error) {
	rest := p.skip()
	if strings.HasPrefix(rest, `"`) {
		for i := 1; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case '"':
				text, err := strconv.Unquote(rest[:i+1])
				p.rest = rest[i+1:]
				return text, err
			}
		}
		return nil, fmt.Errorf("a quotation mark is missing")
	}
	switch text := p.name(); strings.ToLower(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	default:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			err = fmt.Errorf("%q is no value: texts are in quotation marks", text)
		}
		return n, err
	}
}

// withoutURN takes the schema off the name of an attribute.
func withoutURN(path string) string {
	for _, urn := range []string{userSchema, groupSchema} {
		if len(path) > len(urn) && strings.EqualFold(path[:len(urn)], urn) && path[len(urn)] == ':' {
			return path[len(urn)+1:]
		}
	}
	return path
}

// valuesAt are the values of an attribute, or of one of its parts.
func valuesAt(o object, path string) []any {
	name, part, _ := strings.Cut(path, ".")
	var list []any
	for key, v := range o {
		if !strings.EqualFold(key, name) {
			continue
		}
		many, isList := v.([]any)
		if !isList {
			many = []any{v}
		}
		for _, one := range many {
			inner, isObject := one.(object)
			switch {
			case part == "":
				list = append(list, one)
			case isObject:
				list = append(list, valuesAt(inner, part)...)
			}
		}
	}
	return list
}
