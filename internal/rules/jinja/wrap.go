package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func isWordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

func wordCount(s string) int64 {
	n, inWord := int64(0), false
	for _, r := range s {
		was := inWord
		inWord = isWordRune(r)
		if inWord && !was {
			n++
		}
	}
	return n
}

func wordWrap(c *call) any {
	text, ok := textOf(c.args[0])
	if !ok {
		if u, isUndefined := c.args[0].(*undefined); isUndefined {
			u.fail()
		}
		fail("AttributeError", "%s object has no attribute 'splitlines'", reprText(typeName(c.args[0])))
	}
	width := int(c.whole(1, 79))
	if width <= 0 {
		fail(valueError, "invalid width %d (must be > 0)", width)
	}
	w := &wrapper{width: width, breakWords: truth(c.value(2, true)), hyphens: truth(c.value(4, true))}
	between := "\n"
	if c.value(3, nil) != nil {
		between = c.text(3, "")
	}
	var lines []string
	for _, line := range splitLines(text, false) {
		c.r.pay(16 * len(line))
		lines = append(lines, strings.Join(w.wrap(line), between))
	}
	c.r.payTimes(len(between), int64(len(lines)))
	return strings.Join(lines, between)
}

// wrapper breaks a line as Python's textwrap does.
type wrapper struct {
	width               int
	breakWords, hyphens bool
}

func (w *wrapper) wrap(line string) []string {
	chunks := w.chunks(line)
	lines := []string{}
	for len(chunks) > 0 {
		if strings.Trim(chunks[0], " \t") == "" && len(lines) > 0 {
			chunks = chunks[1:]
		}
		var current []string
		size := 0
		for len(chunks) > 0 && size+runeCount(chunks[0]) <= w.width {
			size += runeCount(chunks[0])
			current, chunks = append(current, chunks[0]), chunks[1:]
		}
		if len(chunks) > 0 && runeCount(chunks[0]) > w.width {
			current, chunks = w.long(current, chunks, size)
		}
		if n := len(current); n > 0 && strings.Trim(current[n-1], " \t") == "" {
			current = current[:n-1]
		}
		if len(current) > 0 {
			lines = append(lines, strings.Join(current, ""))
		}
	}
	return lines
}

// long deals with a word that fits on no line.
func (w *wrapper) long(current, chunks []string, size int) (_, _ []string) {
	room := w.width - size
	switch {
	case w.breakWords:
		runes := []rune(chunks[0])
		end := room
		if w.hyphens && len(runes) > room {
			if at := lastHyphen(runes[:room]); at > 0 {
				end = at + 1
			}
		}
		current = append(current, string(runes[:end]))
		chunks[0] = string(runes[end:])
	case len(current) == 0:
		return []string{chunks[0]}, chunks[1:]
	}
	return current, chunks
}

// lastHyphen is where the last hyphen is that comes after something else.
func lastHyphen(runes []rune) int {
	for i := len(runes) - 1; i > 0; i-- {
		if runes[i] == '-' {
			if strings.Trim(string(runes[:i]), "-") != "" {
				return i
			}
			return 0
		}
	}
	return 0
}

// chunks are the pieces that a line may be broken between.
func (w *wrapper) chunks(line string) []string {
	var out []string
	for line != "" {
		blank := len(line) - len(strings.TrimLeft(line, " \t\n\x0b\x0c\r"))
		if blank > 0 {
			out, line = append(out, line[:blank]), line[blank:]
			continue
		}
		end := strings.IndexAny(line, " \t\n\x0b\x0c\r")
		if end < 0 {
			end = len(line)
		}
		if w.hyphens {
			out = append(out, hyphenated(line[:end])...)
		} else {
			out = append(out, line[:end])
		}
		line = line[end:]
	}
	return out
}

// hyphenated cuts a word after its hyphens, and around its dashes.
func hyphenated(word string) []string {
	var out []string
	start := 0
	for i := 1; i < len(word); i++ {
		if word[i] != '-' {
			continue
		}
		if dashes := len(word[i:]) - len(strings.TrimLeft(word[i:], "-")); dashes >= 2 {
			before, _ := utf8.DecodeLastRuneInString(word[:i])
			after, _ := utf8.DecodeRuneInString(word[i+dashes:])
			if (isWordRune(before) || strings.ContainsRune(`!"'&.,?`, before)) && isWordRune(after) {
				out = append(out, word[start:i], word[i:i+dashes])
				start = i + dashes
			}
			i += dashes - 1
			continue
		}
		if breaksAfter(word, start, i) {
			out = append(out, word[start:i+1])
			start = i + 1
		}
	}
	if start < len(word) {
		out = append(out, word[start:])
	}
	return out
}

// breaksAfter says whether a hyphen has two letters before it, or one and a hyphen, and
// what may follow it.
func breaksAfter(word string, start, i int) bool {
	before := []rune(word[start:i])
	after := []rune(word[i+1:])
	isLetter := func(runes []rune, i int) bool {
		return i >= 0 && i < len(runes) && isWordRune(runes[i]) && !unicode.IsDigit(runes[i])
	}
	n := len(before)
	if !isLetter(before, n-1) || !isLetter(before, n-2) {
		return false
	}
	return isLetter(after, 0) && (isLetter(after, 1) || len(after) > 1 && after[1] == '-')
}
