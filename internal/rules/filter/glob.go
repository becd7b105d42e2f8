package filter

import (
	"strings"
	"unicode/utf8"
)

// MatchesPattern says whether value matches a glob, or does not when the glob begins
// with !.
func MatchesPattern(pattern, value string) bool {
	if negated, ok := strings.CutPrefix(pattern, "!"); ok {
		return !Glob(negated, value)
	}
	return Glob(pattern, value)
}

// Glob says whether the whole of value matches a shell pattern: * is any text, ? any
// character, [abc] and [a-z] one of some, [!abc] none of some; a [ that is never closed
// is itself.
func Glob(pattern, value string) bool {
	head, tail, hasStar := strings.Cut(pattern, "*")
	if !strings.ContainsAny(pattern, "?[") {
		switch {
		case !hasStar:
			return pattern == value
		case tail == "":
			return strings.HasPrefix(value, head)
		}
	}
	return glob(pattern, value)
}

// glob matches step by step; when it fails it lets the last star take one character more.
func glob(pattern, value string) bool {
	p, v := 0, 0
	star, taken := -1, 0
	for {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, taken = p+1, v
			p = star
			continue
		case v < len(value):
			c, size := utf8.DecodeRuneInString(value[v:])
			if matched, length := matchesOne(pattern[p:], c); matched {
				p, v = p+length, v+size
				continue
			}
		case p == len(pattern):
			return true
		}
		if star < 0 || taken >= len(value) {
			return false
		}
		_, size := utf8.DecodeRuneInString(value[taken:])
		taken += size
		p, v = star, taken
	}
}

// matchesOne says whether the first element of pattern matches c, and how long it is.
func matchesOne(pattern string, c rune) (matched bool, length int) {
	if pattern == "" {
		return false, 0
	}
	p, size := utf8.DecodeRuneInString(pattern)
	switch p {
	case '?':
		return true, size
	case '[':
		if class, isClass := classOf(pattern[1:]); isClass {
			return matchesClass(class, c), len(class) + 2
		}
	}
	return p == c, size
}

// classOf is what stands between [ and ], where the first character may be a ].
func classOf(text string) (class string, isClass bool) {
	from := 0
	if strings.HasPrefix(text, "!") {
		from = 1
	}
	if strings.HasPrefix(text[from:], "]") {
		from++
	}
	end := strings.IndexByte(text[from:], ']')
	if end < 0 {
		return "", false
	}
	return text[:from+end], true
}

func matchesClass(class string, c rune) bool {
	class, negated := strings.CutPrefix(class, "!")
	set, found := []rune(class), false
	for i := 0; i < len(set); i++ {
		low, high := set[i], set[i]
		if i+2 < len(set) && set[i+1] == '-' {
			high = set[i+2]
			i += 2
		}
		found = found || low <= c && c <= high
	}
	return found != negated
}
