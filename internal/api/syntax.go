package api

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// parse reads a text as Python's parser does, which knows NaN and the infinities and counts
// characters.
func parse(body []byte) *syntax {
	p := &syntax{text: string(body)}
	if p.value() && p.space() < len(p.text) {
		p.fail("Extra data", p.at)
	}
	return p
}

// violation says where the text stops being JSON.
func (p *syntax) violation() Violation {
	at := utf8.RuneCountInString(p.text[:min(p.failed, len(p.text))])
	return Violation{Type: "json_invalid", Loc: []any{"body", at}, Msg: "JSON decode error", Input: jsontext.Value("{}"), Ctx: member("error", quote(p.problem))}
}

// plain is the text with null for what is no number.
func (p *syntax) plain() []byte {
	var out []byte
	from := 0
	for _, word := range p.strange {
		out = append(append(out, p.text[from:word[0]]...), null...)
		from = word[1]
	}
	out = append(out, p.text[from:]...)
	return []byte(strings.ToValidUTF8(string(out), "\uFFFD"))
}

// syntax reads a text until something is wrong with it.
type syntax struct {
	text    string
	at      int
	problem string
	failed  int
	strange [][2]int // where NaN and the infinities are
}

func (p *syntax) fail(problem string, at int) bool {
	p.problem, p.failed = problem, at
	return false
}

// space skips white space and returns where it is then.
func (p *syntax) space() int {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	return p.at
}

// next says whether the text goes on with c, after white space, and takes it.
func (p *syntax) next(c byte) bool {
	if p.space() < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *syntax) value() bool {
	start := p.space()
	switch {
	case p.next('{'):
		return p.list('}', p.member)
	case p.next('['):
		return p.list(']', p.value)
	case p.next('"'):
		return p.string()
	}
	for _, word := range []string{"null", "true", "false", "NaN", "Infinity", "-Infinity"} {
		if strings.HasPrefix(p.text[start:], word) {
			p.at += len(word)
			if strings.HasSuffix(word, "NaN") || strings.HasSuffix(word, "Infinity") {
				p.strange = append(p.strange, [2]int{start, p.at})
			}
			return true
		}
	}
	if !p.number() {
		return p.fail("Expecting value", start)
	}
	return true
}

// list reads what is between brackets.
func (p *syntax) list(end byte, item func() bool) bool {
	if p.next(end) {
		return true
	}
	for {
		if !item() {
			return false
		}
		if p.next(end) {
			return true
		}
		if !p.next(',') {
			return p.fail("Expecting ',' delimiter", p.at)
		}
	}
}

func (p *syntax) member() bool {
	if !p.next('"') {
		return p.fail("Expecting property name enclosed in double quotes", p.at)
	}
	if !p.string() {
		return false
	}
	if !p.next(':') {
		return p.fail("Expecting ':' delimiter", p.at)
	}
	return p.value()
}

// string reads on after the opening quote.
func (p *syntax) string() bool {
	start := p.at - 1
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			return true
		case c < ' ':
			return p.fail("Invalid control character at", p.at)
		case c == '\\':
			if !p.escape(start) {
				return false
			}
		default:
			p.at++
		}
	}
	return p.fail("Unterminated string starting at", start)
}

// escape reads a backslash and what belongs to it.
func (p *syntax) escape(start int) bool {
	switch {
	case p.at+1 >= len(p.text):
		return p.fail("Unterminated string starting at", start)
	case strings.IndexByte(`"\/bfnrt`, p.text[p.at+1]) >= 0:
		p.at += 2
		return true
	case p.text[p.at+1] != 'u':
		return p.fail("Invalid \\escape", p.at)
	}
	digits := p.text[p.at+2 : min(p.at+6, len(p.text))]
	if len(digits) < 4 || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return p.fail("Invalid \\uXXXX escape", p.at+1)
	}
	p.at += 6
	return true
}

// number reads as much as is a number.
func (p *syntax) number() bool {
	i := p.at
	if i < len(p.text) && p.text[i] == '-' {
		i++
	}
	whole := p.digits(i)
	if whole == i {
		return false
	}
	if p.text[i] == '0' {
		whole = i + 1
	}
	p.at = whole
	if end := p.digits(whole + 1); strings.HasPrefix(p.text[whole:], ".") && end > whole+1 {
		p.at = end
	}
	if e := p.at; e < len(p.text) && (p.text[e] == 'e' || p.text[e] == 'E') {
		from := e + 1
		if from < len(p.text) && (p.text[from] == '+' || p.text[from] == '-') {
			from++
		}
		if end := p.digits(from); end > from {
			p.at = end
		}
	}
	return true
}

// digits returns where the digits that begin at i end.
func (p *syntax) digits(i int) int {
	for i < len(p.text) && p.text[i] >= '0' && p.text[i] <= '9' {
		i++
	}
	return i
}
