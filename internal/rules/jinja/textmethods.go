package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// textMember are the methods of Python's texts. A text that needs no escaping stays so,
// and what is put into it is escaped.
func textMember(of any, s, name string) (any, bool) {
	keep := func(out string) any { return like(of, out) }
	simple := func(f func(string) string) (any, bool) {
		return fn(name, "", func(c *call) any { c.r.pay(len(s)); return keep(f(s)) })
	}
	check := func(ok func(r rune) bool) (any, bool) {
		return fn(name, "", func(*call) any { return s != "" && strings.IndexFunc(s, func(r rune) bool { return !ok(r) }) < 0 })
	}
	switch name {
	case "upper":
		return simple(upper)
	case "lower":
		return simple(strings.ToLower)
	case "casefold":
		return simple(func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ß", "ss") })
	case "capitalize":
		return simple(capitalize)
	case "title":
		return simple(titleCase)
	case "swapcase":
		return simple(swapCase)
	case "isdigit", "isdecimal", "isnumeric":
		return check(unicode.IsDigit)
	case "isalpha":
		return check(unicode.IsLetter)
	case "isalnum":
		return check(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
	case "isspace":
		return check(isSpace)
	case "isprintable":
		return fn(name, "", func(*call) any {
			return strings.IndexFunc(s, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }) < 0
		})
	case "isascii":
		return fn(name, "", func(*call) any { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 })
	case "isupper":
		return fn(name, "", func(*call) any { return s == strings.ToUpper(s) && s != strings.ToLower(s) })
	case "islower":
		return fn(name, "", func(*call) any { return s == strings.ToLower(s) && s != strings.ToUpper(s) })
	case "istitle":
		return fn(name, "", func(*call) any { return s == titleCase(s) && strings.ToUpper(s) != strings.ToLower(s) })
	case "isidentifier":
		return fn(name, "", func(*call) any { return isIdentifier(s) })
	}
	if v, ok := textSplitMember(of, s, name); ok {
		return v, true
	}
	return textEditMember(of, s, name)
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if !unicode.IsLetter(r) && r != '_' && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// upper is upper case; some letters become two.
func upper(s string) string {
	return strings.NewReplacer("ß", "SS", "ﬁ", "FI", "ﬂ", "FL", "ﬀ", "FF", "ŉ", "ʼN").Replace(strings.ToUpper(s))
}

func capitalize(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	first := s[:size]
	if first = strings.ToUpper(first); first == "ß" {
		first = "Ss"
	}
	return first + strings.ToLower(s[size:])
}

func titleCase(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		was := inWord
		inWord = unicode.IsLetter(r)
		if was {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// needText is an argument that must be a text; what names it in the error.
func needText(c *call, i int, what string) string {
	text, ok := textOf(c.args[i])
	if !ok {
		fail(typeError, "%smust be str, not %s", what, typeName(c.args[i]))
	}
	return text
}

func textSplitMember(of any, s, name string) (any, bool) {
	keepAll := func(parts []string) any {
		return each(parts, func(p string) any { return like(of, p) })
	}
	switch name {
	case "split":
		return fn(name, "sep? maxsplit?", func(c *call) any {
			c.r.pay(16 * len(s))
			return keepAll(split(s, c.value(0, nil), c.whole(1, -1)))
		})
	case "rsplit":
		return fn(name, "sep? maxsplit?", func(c *call) any {
			c.r.pay(16 * len(s))
			return keepAll(rsplit(s, c.value(0, nil), c.whole(1, -1)))
		})
	case "splitlines":
		return fn(name, "keepends?", func(c *call) any { return keepAll(splitLines(s, c.truth(0))) })
	case "partition", "rpartition":
		return fn(name, "sep", func(c *call) any {
			sep := needText(c, 0, "")
			if sep == "" {
				fail(valueError, "empty separator")
			}
			parts := []string{s, "", ""}
			at := strings.Index(s, sep)
			if name == "rpartition" {
				parts = []string{"", "", s}
				at = strings.LastIndex(s, sep)
			}
			if at >= 0 {
				parts = []string{s[:at], sep, s[at+len(sep):]}
			}
			return tuple(each(parts, func(p string) any { return like(of, p) }))
		})
	case "join":
		return fn(name, "iterable", func(c *call) any { return joinTexts(c, of, s) })
	}
	return nil, false
}

func joinTexts(c *call, of any, sep string) any {
	var b strings.Builder
	_, safe := of.(markup)
	items, ok := iterate(c.args[0])
	if !ok {
		fail(typeError, "can only join an iterable")
	}
	for i, item := range items {
		text, ok := textOf(item)
		if !ok && !safe {
			fail(typeError, "sequence item %d: expected str instance, %s found", i, typeName(item))
		}
		if safe {
			text = string(escape(item))
		}
		if i > 0 {
			c.r.write(&b, sep)
		}
		c.r.write(&b, text)
	}
	return like(of, b.String())
}

func split(s string, sep any, most int64) []string {
	if sep == nil {
		return splitBlanks(s, most)
	}
	word, ok := textOf(sep)
	if !ok {
		fail(typeError, "must be str or None, not %s", typeName(sep))
	}
	if word == "" {
		fail(valueError, "empty separator")
	}
	if most < 0 {
		return strings.Split(s, word)
	}
	return strings.SplitN(s, word, int(most)+1)
}

func splitBlanks(s string, most int64) []string {
	out := []string{}
	for s = trimLeft(s); s != ""; s = trimLeft(s) {
		end := strings.IndexFunc(s, isSpace)
		if int64(len(out)) == most {
			return append(out, trimRight(s))
		}
		if end < 0 {
			return append(out, s)
		}
		out, s = append(out, s[:end]), s[end:]
	}
	return out
}

func rsplit(s string, sep any, most int64) []string {
	word, ok := textOf(sep)
	if most < 0 || sep != nil && (!ok || word == "") {
		return split(s, sep, most)
	}
	var reversed []string
	for int64(len(reversed)) < most {
		var at, size int
		if sep == nil {
			s = trimRight(s)
			at = strings.LastIndexFunc(s, isSpace)
			_, size = utf8.DecodeRuneInString(s[max(at, 0):])
		} else {
			at, size = strings.LastIndex(s, word), len(word)
		}
		if at < 0 {
			break
		}
		reversed, s = append(reversed, s[at+size:]), s[:at]
	}
	if sep == nil {
		s = trimRight(s)
		if int64(len(reversed)) < most {
			s = trim(s)
		}
	}
	out := []string{}
	if s != "" || sep != nil {
		out = append(out, s)
	}
	for i := len(reversed) - 1; i >= 0; i-- {
		out = append(out, reversed[i])
	}
	return out
}

func splitLines(s string, keep bool) []string {
	out := []string{}
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool {
			return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
		})
		if end < 0 {
			return append(out, s)
		}
		_, size := utf8.DecodeRuneInString(s[end:])
		if strings.HasPrefix(s[end:], "\r\n") {
			size = 2
		}
		line := s[:end]
		if keep {
			line = s[:end+size]
		}
		out, s = append(out, line), s[end+size:]
	}
	return out
}

func textEditMember(of any, s, name string) (any, bool) {
	keep := func(out string) any { return like(of, out) }
	strip := func(f func(string, func(rune) bool) string) (any, bool) {
		return fn(name, "chars?", func(c *call) any { return keep(f(s, stripSet(c))) })
	}
	justify := func(where string) (any, bool) {
		return fn(name, "width fillchar?", func(c *call) any {
			fill := c.text(1, " ")
			if runeCount(fill) != 1 {
				fail(typeError, "The fill character must be exactly one character long")
			}
			return keep(pad(c.r, s, fill, c.whole(0, 0), where))
		})
	}
	switch name {
	case "strip":
		return strip(strings.TrimFunc)
	case "lstrip":
		return strip(strings.TrimLeftFunc)
	case "rstrip":
		return strip(strings.TrimRightFunc)
	case "center":
		return justify("center")
	case "ljust":
		return justify("left")
	case "rjust":
		return justify("right")
	case "zfill":
		return fn(name, "width", func(c *call) any { return keep(zfill(c.r, s, c.whole(0, 0))) })
	case "replace":
		return fn(name, "old new count?", func(c *call) any {
			return keep(c.r.replace(s, needText(c, 0, "replace() argument 1 "), needText(c, 1, "replace() argument 2 "), c.whole(2, -1)))
		})
	case "removeprefix":
		return fn(name, "prefix", func(c *call) any { return keep(strings.TrimPrefix(s, needText(c, 0, "removeprefix() argument "))) })
	case "removesuffix":
		return fn(name, "suffix", func(c *call) any { return keep(strings.TrimSuffix(s, needText(c, 0, "removesuffix() argument "))) })
	case "expandtabs":
		return fn(name, "tabsize?", func(c *call) any { return keep(expandTabs(c.r, s, c.whole(0, 8))) })
	case "format":
		return method{name, func(c *call) any { return keep(c.r.format(s, c)) }}, true
	case "format_map":
		return fn(name, "mapping", func(c *call) any {
			inner := &call{r: c.r}
			if d, ok := c.args[0].(*Dict); ok {
				for _, key := range d.keys {
					v, _ := d.Get(key)
					inner.set(str(key), v)
				}
			}
			return keep(c.r.format(s, inner))
		})
	}
	return textFindMember(s, name)
}

func stripSet(c *call) func(rune) bool {
	if c.value(0, nil) == nil {
		return isSpace
	}
	set, ok := textOf(c.args[0])
	if !ok {
		fail(typeError, "strip arg must be None or str, not %s", typeName(c.args[0]))
	}
	return func(r rune) bool { return strings.ContainsRune(set, r) }
}

func (r *run) replace(s, old, with string, most int64) string {
	n := int64(strings.Count(s, old))
	if most >= 0 {
		n = min(n, most)
	}
	r.pay(len(s))
	r.payTimes(len(with), n)
	return strings.Replace(s, old, with, int(n))
}

func textFindMember(s, name string) (any, bool) {
	part := func(c *call) (string, int64) {
		runes := []rune(s)
		p := &slice{c.value(1, nil), c.value(2, nil), nil}
		bounds := p.of(each(runes, func(r rune) any { return r }))
		start := int64(0)
		if c.has(1) {
			if start = c.whole(1, 0); start < 0 {
				start = max(start+int64(len(runes)), 0)
			}
		}
		text := make([]rune, len(bounds))
		for i, r := range bounds {
			text[i] = r.(rune)
		}
		return string(text), start
	}
	find := func(c *call) int64 {
		text, start := part(c)
		at := strings.Index(text, needText(c, 0, ""))
		if strings.HasPrefix(name, "r") {
			at = strings.LastIndex(text, needText(c, 0, ""))
		}
		if at < 0 {
			return -1
		}
		return start + int64(runeCount(text[:at]))
	}
	switch name {
	case "find", "rfind":
		return fn(name, "sub start? end?", func(c *call) any { return find(c) })
	case "index", "rindex":
		return fn(name, "sub start? end?", func(c *call) any {
			at := find(c)
			if at < 0 {
				fail(valueError, "substring not found")
			}
			return at
		})
	case "count":
		return fn(name, "sub start? end?", func(c *call) any {
			text, _ := part(c)
			return int64(strings.Count(text, needText(c, 0, "")))
		})
	case "startswith", "endswith":
		return fn(name, "prefix start? end?", func(c *call) any {
			text, _ := part(c)
			words := []any{c.args[0]}
			if list, ok := c.args[0].(tuple); ok {
				words = list
			}
			for _, word := range words {
				w, ok := textOf(word)
				if !ok {
					fail(typeError, "%s first arg must be str or a tuple of str, not %s", name, typeName(word))
				}
				if name == "startswith" && strings.HasPrefix(text, w) || name == "endswith" && strings.HasSuffix(text, w) {
					return true
				}
			}
			return false
		})
	}
	return nil, false
}

// pad makes a text width wide; center leaves it in the middle as Python does.
func pad(r *run, s, fill string, width int64, where string) string {
	n := width - int64(runeCount(s))
	if n <= 0 {
		return s
	}
	r.payTimes(len(fill), n)
	left, right := int64(0), n
	switch where {
	case "right":
		left, right = n, 0
	case "center":
		left = n/2 + n&width&1
		right = n - left
	}
	return strings.Repeat(fill, int(left)) + s + strings.Repeat(fill, int(right))
}

func zfill(r *run, s string, width int64) string {
	sign := ""
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign, s = s[:1], s[1:]
	}
	return sign + pad(r, s, "0", width-int64(len(sign)), "right")
}

func expandTabs(r *run, s string, size int64) string {
	var b strings.Builder
	column := int64(0)
	for _, c := range s {
		switch {
		case c == '\t' && size > 0:
			n := size - column%size
			column += n
			r.payTimes(1, n)
			b.WriteString(strings.Repeat(" ", int(n)))
		case c == '\t':
		case c == '\n' || c == '\r':
			column = 0
			b.WriteRune(c)
		default:
			column++
			b.WriteRune(c)
		}
	}
	return b.String()
}
