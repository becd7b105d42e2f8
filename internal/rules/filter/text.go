// Package filter holds what filters mean, apart from any database: the grammar of text
// searches, and whether a text matches one.
package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// TextQuery is a parsed text search. A text matches when it contains one of Include, if
// there is any, none of Exclude and all of Required; case does not matter.
type TextQuery struct {
	Include, Exclude, Required []string
}

// ParseText reads a text search: words and "quoted phrases", in which \ escapes quotes
// and itself. A leading - or ! excludes a term and + requires it; such a sign alone
// means nothing.
func ParseText(query string) TextQuery {
	var q TextQuery
	for rest := trim(query); rest != ""; rest = trim(rest) {
		sign := byte(0)
		if strings.IndexByte("-!+", rest[0]) >= 0 {
			sign, rest = rest[0], rest[1:]
			if rest == "" || trim(rest) != rest {
				continue
			}
		}
		var term string
		if rest[0] == '"' {
			term, rest = phrase(rest[1:])
		} else {
			term, rest = word(rest)
		}
		q = q.with(sign, term)
	}
	return q
}

func (q TextQuery) with(sign byte, term string) TextQuery {
	if strings.TrimSpace(term) == "" {
		return q
	}
	switch sign {
	case '-', '!':
		q.Exclude = append(q.Exclude, term)
	case '+':
		q.Required = append(q.Required, term)
	default:
		q.Include = append(q.Include, term)
	}
	return q
}

// Matches says whether text is what the query looks for.
func (q TextQuery) Matches(text string) bool {
	text = strings.ToLower(text)
	has := func(term string) bool { return strings.Contains(text, strings.ToLower(term)) }
	included := len(q.Include) == 0
	for _, term := range q.Include {
		included = included || has(term)
	}
	for _, term := range q.Exclude {
		included = included && !has(term)
	}
	for _, term := range q.Required {
		included = included && has(term)
	}
	return included
}

func trim(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }

// word goes up to the next space or quote.
func word(s string) (term, rest string) {
	end := strings.IndexFunc(s, func(r rune) bool { return r == '"' || unicode.IsSpace(r) })
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

// phrase goes up to the closing quote, or to the end without one.
func phrase(s string) (term, rest string) {
	var b strings.Builder
	for s != "" {
		if s[0] == '"' {
			return b.String(), s[1:]
		}
		if s[0] == '\\' && len(s) > 1 && (s[1] == '"' || s[1] == '\\') {
			s = s[1:]
		}
		_, size := utf8.DecodeRuneInString(s)
		b.WriteString(s[:size])
		s = s[size:]
	}
	return b.String(), ""
}
