package jinja

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// token is a word of a template; text is what it says, value the number it stands for.
type token struct {
	kind  string
	text  string
	value any
	line  int
}

// The kinds of tokens that are no operators; an operator is its own kind.
const (
	kindData          = "data"
	kindName          = "name"
	kindString        = "string"
	kindInteger       = "integer"
	kindFloat         = "float"
	kindBlockBegin    = "block_begin"
	kindBlockEnd      = "block_end"
	kindVariableBegin = "variable_begin"
	kindVariableEnd   = "variable_end"
	kindEOF           = "eof"
)

func describe(kind string) string {
	switch kind {
	case kindBlockBegin:
		return "begin of statement block"
	case kindBlockEnd:
		return "end of statement block"
	case kindVariableBegin:
		return "begin of print statement"
	case kindVariableEnd:
		return "end of print statement"
	case kindData:
		return "template data / text"
	case kindEOF:
		return "end of template"
	}
	return kind
}

type lexer struct {
	source string
	at     int
	line   int
	tokens []token
	open   []string // brackets that are to be closed, as what closes them
}

// tokenize cuts a template into tokens, up to what can't be read: that is the last one's
// value. The last line break does not count.
func tokenize(source string) []token {
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	l := &lexer{source: strings.TrimSuffix(source, "\n"), line: 1}
	if err := l.all(); err != nil {
		return append(l.tokens, token{value: err})
	}
	line := 1
	if n := len(l.tokens); n > 0 {
		line = l.tokens[n-1].line
	}
	return append(l.tokens, token{kind: kindEOF, line: line})
}

func (l *lexer) all() (err *Error) {
	defer catch(&err)
	for l.at < len(l.source) {
		l.root()
	}
	return nil
}

func (l *lexer) fail(format string, args ...any) {
	panic(&Error{Kind: syntaxError, Message: fmt.Sprintf(format, args...), Line: l.line})
}

func (l *lexer) rest() string { return l.source[l.at:] }

// take moves past n bytes.
func (l *lexer) take(n int) string {
	text := l.source[l.at : l.at+n]
	l.at += n
	l.line += strings.Count(text, "\n")
	return text
}

func (l *lexer) add(kind, text string) {
	l.tokens = append(l.tokens, token{kind: kind, text: text, line: l.line})
}

// root reads text up to the next tag, and the tag.
func (l *lexer) root() {
	begin := nextTag(l.rest())
	if begin < 0 {
		l.add(kindData, l.rest())
		l.take(len(l.rest()))
		return
	}
	text := l.rest()[:begin]
	sign := strings.HasPrefix(l.rest()[begin+2:], "-")
	if sign {
		text = trimRight(text)
	}
	if text != "" {
		l.add(kindData, text)
	}
	l.take(begin)
	opening := l.take(2)
	if opening == "{%" {
		if raw := patterns().raw.FindString(l.rest()); raw != "" {
			l.take(len(raw))
			l.raw()
			return
		}
	}
	if sign || strings.HasPrefix(l.rest(), "+") {
		l.take(1)
	}
	switch opening {
	case "{#":
		l.comment()
	case "{%":
		l.add(kindBlockBegin, "")
		l.tag(kindBlockEnd, "%}")
	default:
		l.add(kindVariableBegin, "")
		l.tag(kindVariableEnd, "}}")
	}
}

func nextTag(text string) int {
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '{' && (text[i+1] == '%' || text[i+1] == '{' || text[i+1] == '#') {
			return i
		}
	}
	return -1
}

// closing moves past an end that was found at i; a minus before it takes the blanks after it.
func (l *lexer) closing(i int, end string) {
	strip := i > 0 && l.rest()[i-1] == '-'
	l.take(i + len(end))
	if strip {
		l.take(len(l.rest()) - len(trimLeft(l.rest())))
	}
}

func (l *lexer) comment() {
	end := strings.Index(l.rest(), "#}")
	if end >= 0 {
		l.closing(end, "#}")
	} else if l.rest() != "" {
		l.fail("Missing end of comment tag")
	}
}

func (l *lexer) raw() {
	at := patterns().endRaw.FindStringSubmatchIndex(l.rest())
	if at == nil {
		if l.rest() != "" {
			l.fail("Missing end of raw directive")
		}
		return
	}
	text := l.rest()[:at[0]]
	if at[2] < at[3] && l.rest()[at[2]] == '-' {
		text = trimRight(text)
	}
	if text != "" {
		l.add(kindData, text)
	}
	l.take(at[1])
}

// tag reads what is in a tag, up to its end.
func (l *lexer) tag(kind, end string) {
	for l.at < len(l.source) {
		if len(l.open) == 0 && l.tagEnd(kind, end) {
			return
		}
		if !l.word() {
			r, _ := utf8.DecodeRuneInString(l.rest())
			l.fail("unexpected char %s at %d", reprText(string(r)), utf8.RuneCountInString(l.source[:l.at]))
		}
	}
}

func (l *lexer) tagEnd(kind, end string) bool {
	rest := l.rest()
	switch {
	case strings.HasPrefix(rest, "-"+end):
		l.add(kind, "")
		l.closing(1, end)
	case strings.HasPrefix(rest, end):
		l.add(kind, "")
		l.take(len(end))
	case kind == kindBlockEnd && strings.HasPrefix(rest, "+"+end):
		l.add(kind, "")
		l.take(1 + len(end))
	default:
		return false
	}
	return true
}

// word reads one word of a tag; false when there is none that can be read.
func (l *lexer) word() bool {
	rest, p := l.rest(), patterns()
	if blank := len(rest) - len(trimLeft(rest)); blank > 0 {
		l.take(blank)
		return true
	}
	if text := p.float.FindString(rest); text != "" && (l.at == 0 || l.source[l.at-1] != '.') {
		number, _ := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
		l.tokens = append(l.tokens, token{kindFloat, text, number, l.line})
		l.take(len(text))
		return true
	}
	if text := p.integer.FindString(rest); text != "" {
		number, _ := new(big.Int).SetString(strings.ReplaceAll(text, "_", ""), 0)
		l.tokens = append(l.tokens, token{kindInteger, text, small(number), l.line})
		l.take(len(text))
		return true
	}
	if text := p.name.FindString(rest); text != "" {
		if first, _ := utf8.DecodeRuneInString(text); !unicode.IsLetter(first) && first != '_' {
			l.fail("Invalid character in identifier")
		}
		l.add(kindName, text)
		l.take(len(text))
		return true
	}
	if text := p.text.FindString(rest); text != "" {
		l.add(kindString, l.unescape(text[1:len(text)-1]))
		l.take(len(text))
		return true
	}
	return l.operator(rest)
}

var operators = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

func (l *lexer) operator(rest string) bool {
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		switch op {
		case "{":
			l.open = append(l.open, "}")
		case "(":
			l.open = append(l.open, ")")
		case "[":
			l.open = append(l.open, "]")
		case "}", ")", "]":
			l.close(op)
		}
		l.add(op, op)
		l.take(len(op))
		return true
	}
	return false
}

func (l *lexer) close(op string) {
	if len(l.open) == 0 {
		l.fail("unexpected '%s'", op)
	}
	want := l.open[len(l.open)-1]
	l.open = l.open[:len(l.open)-1]
	if want != op {
		l.fail("unexpected '%s', expected '%s'", op, want)
	}
}

// unescape reads the escapes of Python's texts.
func (l *lexer) unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch c := text[i]; {
		case strings.IndexByte(`\'"`, c) >= 0:
			b.WriteByte(c)
		case strings.IndexByte("abfnrtv", c) >= 0:
			b.WriteByte("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case c == '\n':
		case c >= '0' && c <= '7':
			digits := text[i:min(i+3, len(text))]
			digits = digits[:len(digits)-len(strings.TrimLeft(digits, "01234567"))]
			n, _ := strconv.ParseUint(digits, 8, 32)
			b.WriteRune(rune(n))
			i += len(digits) - 1
		case c == 'x' || c == 'u' || c == 'U':
			i += l.hexEscape(&b, text[i:])
		case c == 'N':
			l.fail("unknown Unicode character name")
		default:
			b.WriteString(text[i-1 : i+1])
		}
	}
	return b.String()
}

func (l *lexer) hexEscape(b *strings.Builder, text string) int {
	size := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[0]]
	digits := text[1:min(1+size, len(text))]
	n, err := strconv.ParseUint(digits, 16, 32)
	switch {
	case err != nil || len(digits) < size:
		l.fail(`truncated \%c%s escape`, text[0], strings.Repeat("X", size))
	case n > unicode.MaxRune:
		l.fail("illegal Unicode character")
	}
	b.WriteRune(rune(n))
	return size
}

type tokenPatterns struct{ raw, endRaw, float, integer, name, text *regexp.Regexp }

// patterns are compiled when the first template is read.
var patterns = sync.OnceValue(func() *tokenPatterns {
	return &tokenPatterns{
		raw:     regexp.MustCompile(`^[-+]?\s*raw\s*(?:-%}\s*|%})`),
		endRaw:  regexp.MustCompile(`\{%([-+]?)\s*endraw\s*(?:\+%}|-%}\s*|%})`),
		float:   regexp.MustCompile(`^(?i)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)`),
		integer: regexp.MustCompile(`^(?i)(?:0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*)`),
		name:    regexp.MustCompile(`^[\pL\pN\pM\p{Pc}]+`),
		text:    regexp.MustCompile(`^(?s)(?:'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")`),
	}
})
