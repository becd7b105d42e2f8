package pyflow

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenName tokenKind = iota
	tokenNumber
	tokenString
	tokenOp
)

// token is a word of the source.
type token struct {
	kind tokenKind
	text string // of a string its value
	// plain says that a string is text whose value is known: neither bytes nor a template;
	// unread that it is text of which the value is not known.
	plain, unread bool
}

func (t token) is(op string) bool { return t.kind == tokenOp && t.text == op }

func (t token) named(name string) bool { return t.kind == tokenName && t.text == name }

// line is a logical line: a simple statement, or the head of a compound one.
type line struct {
	indent int
	tokens []token
	number int // of the source line where it begins
}

// scanner cuts source into logical lines.
type scanner struct {
	src    string
	at     int
	number int
	lines  []line
}

// scan cuts the source into its logical lines.
func scan(src string) ([]line, error) {
	src = strings.TrimPrefix(src, "\ufeff")
	src = strings.ReplaceAll(strings.ReplaceAll(src, "\r\n", "\n"), "\r", "\n")
	if !utf8.ValidString(src) || strings.ContainsAny(src, "\f\x00") {
		return nil, unknownf(0, "the file is not plain UTF-8")
	}
	for i, head := range strings.SplitN(src, "\n", 3) {
		if i < 2 && strings.HasPrefix(strings.TrimSpace(head), "#") && strings.Contains(head, "coding") && !strings.Contains(strings.ToLower(head), "utf-8") {
			return nil, unknownf(i+1, "the file has an encoding of its own")
		}
	}
	s := &scanner{src: src, number: 1}
	for s.at < len(s.src) {
		if err := s.line(); err != nil {
			return nil, err
		}
	}
	return s.lines, nil
}

// line takes one logical line, or an empty one.
func (s *scanner) line() error {
	l := line{number: s.number}
	for s.at < len(s.src) && (s.src[s.at] == ' ' || s.src[s.at] == '\t') {
		if s.src[s.at] == '\t' {
			l.indent += 8 - l.indent%8
		} else {
			l.indent++
		}
		s.at++
	}
	depth := 0
	for s.at < len(s.src) {
		switch c := s.src[s.at]; {
		case c == '\n':
			s.at++
			s.number++
			if depth == 0 {
				return s.end(l)
			}
		case c == ' ' || c == '\t':
			s.at++
		case c == '#':
			for s.at < len(s.src) && s.src[s.at] != '\n' {
				s.at++
			}
		case c == '\\':
			if !strings.HasPrefix(s.src[s.at:], "\\\n") {
				return unknownf(s.number, "there is a stray backslash")
			}
			s.at += 2
			s.number++
		default:
			t, err := s.token()
			if err != nil {
				return err
			}
			if t.kind == tokenOp {
				switch t.text {
				case "(", "[", "{":
					depth++
				case ")", "]", "}":
					depth--
				}
			}
			l.tokens = append(l.tokens, t)
		}
	}
	if depth != 0 {
		return unknownf(l.number, "a bracket is not closed")
	}
	return s.end(l)
}

func (s *scanner) end(l line) error {
	if len(l.tokens) > 0 {
		s.lines = append(s.lines, l)
	}
	return nil
}

// operators of more than one character, the longest first.
var operators = []string{"**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<", "<=", ">=", "==", "!=", "->", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", ":="}

func (s *scanner) token() (token, error) {
	rest := s.src[s.at:]
	c := rest[0]
	switch {
	case isLetter(c):
		n := 1
		for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n])) {
			n++
		}
		if n < len(rest) && (rest[n] == '"' || rest[n] == '\'') && n <= 2 && isPrefix(rest[:n]) {
			s.at += n
			return s.str(strings.ToLower(rest[:n]))
		}
		s.at += n
		return token{kind: tokenName, text: rest[:n]}, nil
	case c == '"' || c == '\'':
		return s.str("")
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		n := 1
		for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n]) || rest[n] == '.' ||
			(rest[n] == '+' || rest[n] == '-') && (rest[n-1] == 'e' || rest[n-1] == 'E') && !strings.HasPrefix(rest, "0x")) {
			n++
		}
		s.at += n
		return token{kind: tokenNumber, text: rest[:n]}, nil
	case c >= utf8.RuneSelf:
		return token{}, unknownf(s.number, "there is a name in other letters than ASCII's")
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			s.at += len(op)
			return token{kind: tokenOp, text: op}, nil
		}
	}
	s.at++
	return token{kind: tokenOp, text: rest[:1]}, nil
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isPrefix(s string) bool {
	switch strings.ToLower(s) {
	case "r", "u", "b", "f", "t", "br", "rb", "fr", "rf", "tr", "rt":
		return true
	}
	return false
}

// str takes a string literal whose prefix has been taken.
func (s *scanner) str(prefix string) (token, error) {
	raw, template := strings.Contains(prefix, "r"), strings.ContainsAny(prefix, "ft")
	quote := s.src[s.at : s.at+1]
	if strings.HasPrefix(s.src[s.at:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	begun := s.number
	s.at += len(quote)
	from, braces := s.at, 0
	for s.at < len(s.src) {
		rest := s.src[s.at:]
		switch {
		case template && braces > 0 && (rest[0] == '"' || rest[0] == '\'') && (len(quote) == 1 || !strings.HasPrefix(rest, quote)):
			if _, err := s.str(""); err != nil { // a string within the expression
				return token{}, err
			}
		case strings.HasPrefix(rest, quote):
			body := s.src[from:s.at]
			s.at += len(quote)
			t := token{kind: tokenString, plain: !template && !strings.Contains(prefix, "b")}
			if !t.plain {
				return t, nil
			}
			t.text = body
			if !raw {
				t.text, t.plain = unescape(body)
				t.unread = !t.plain
			}
			return t, nil
		case rest[0] == '\\' && len(rest) > 1:
			if rest[1] == '\n' {
				s.number++
			}
			s.at += 2
		case rest[0] == '\n' && len(quote) == 1 && braces == 0:
			return token{}, unknownf(begun, "a string is not closed")
		case template && (strings.HasPrefix(rest, "{{") || strings.HasPrefix(rest, "}}")) && braces == 0:
			s.at += 2
		default:
			switch {
			case rest[0] == '\n':
				s.number++
			case template && rest[0] == '{':
				braces++
			case template && rest[0] == '}':
				braces--
			}
			s.at++
		}
	}
	return token{}, unknownf(begun, "a string is not closed")
}

// unescape gives a string literal its value; false for escapes that it does not know.
func unescape(body string) (string, bool) {
	if !strings.Contains(body, "\\") {
		return body, true
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			b.WriteByte(body[i])
			continue
		}
		i++
		if i == len(body) {
			return "", false
		}
		if simple := strings.IndexByte("\\'\"abfnrtv", body[i]); simple >= 0 {
			b.WriteByte("\\'\"\a\b\f\n\r\t\v"[simple])
			continue
		}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[body[i]]
		switch {
		case body[i] == '\n':
		case body[i] >= '0' && body[i] <= '7', body[i] == 'N':
			return "", false
		case digits > 0:
			if i+digits >= len(body) {
				return "", false
			}
			code, err := strconv.ParseUint(body[i+1:i+1+digits], 16, 32)
			if err != nil || !utf8.ValidRune(rune(code)) {
				return "", false
			}
			b.WriteRune(rune(code))
			i += digits
		default: // no escape at all
			b.WriteByte('\\')
			b.WriteByte(body[i])
		}
	}
	return b.String(), true
}
