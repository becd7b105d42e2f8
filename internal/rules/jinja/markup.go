package jinja

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"sync"
)

func markupFilters() map[string]filter {
	return map[string]filter{
		"escape":      {"s", func(c *call) any { return escape(c.args[0]) }},
		"forceescape": {"value", func(c *call) any { return escape(c.text(0, "")) }},
		"safe":        {"value", func(c *call) any { return markup(c.text(0, "")) }},
		"striptags":   {"value", func(c *call) any { return stripTags(c.text(0, "")) }},
		"urlencode":   {"value", urlEncode},
		"urlize":      {"value trim_url_limit? nofollow? target? rel? extra_schemes?", urlize},
		"xmlattr":     {"d autospace?", xmlAttr},
		"tojson": {"value indent?", func(c *call) any {
			indent := -1
			if c.value(1, nil) != nil {
				indent = int(c.whole(1, 0))
			}
			return markup(c.r.toJSON(c.args[0], indent))
		}},
	}
}

// stripTags leaves the text of a piece of HTML, with single blanks.
func stripTags(s string) string {
	for _, pair := range [][2]string{{"<!--", "-->"}, {"<", ">"}} {
		for {
			start := strings.Index(s, pair[0])
			if start < 0 {
				break
			}
			end := strings.Index(s[start:], pair[1])
			if end < 0 {
				break
			}
			s = s[:start] + s[start+end+len(pair[1]):]
		}
	}
	return html.UnescapeString(strings.Join(splitBlanks(s, -1), " "))
}

func urlEncode(c *call) any {
	v := c.args[0]
	if _, isText := textOf(v); isText {
		return urlQuote(str(v), false)
	}
	var items []any
	if d, ok := v.(*Dict); ok {
		items = d.items()
	} else if list, ok := iterate(v); ok {
		items = list
	} else {
		return urlQuote(str(v), false)
	}
	var parts []string
	for _, item := range items {
		pair := unpack(item, 2)
		parts = append(parts, urlQuote(str(pair[0]), true)+"="+urlQuote(str(pair[1]), true))
	}
	return strings.Join(parts, "&")
}

func xmlAttr(c *call) any {
	d, ok := c.args[0].(*Dict)
	if !ok {
		if u, isUndefined := c.args[0].(*undefined); isUndefined {
			u.fail()
		}
		fail("AttributeError", "%s object has no attribute 'items'", reprText(typeName(c.args[0])))
	}
	var parts []string
	for _, key := range d.keys {
		v, _ := d.Get(key)
		if _, isUndefined := v.(*undefined); v == nil || isUndefined {
			continue
		}
		name, ok := textOf(key)
		if !ok {
			fail(typeError, "expected string or bytes-like object, got %s", reprText(typeName(key)))
		}
		if strings.ContainsAny(name, " \t\n\r\f\v/>=") {
			fail(valueError, "Invalid character in attribute name: %s", reprText(name))
		}
		parts = append(parts, string(escape(key))+`="`+string(escape(v))+`"`)
	}
	out := strings.Join(parts, " ")
	if out != "" && truth(c.value(1, true)) {
		out = " " + out
	}
	return c.r.safe(out)
}

type linkPatterns struct{ blank, head, tail, http, mail, scheme *regexp.Regexp }

var links = sync.OnceValue(func() *linkPatterns {
	const word = `[\pL\pN_]`
	const inName = `[\pL\pN_%-]`
	return &linkPatterns{
		blank:  regexp.MustCompile(`\s+`),
		head:   regexp.MustCompile(`^(?:[(<]|&lt;)+`),
		tail:   regexp.MustCompile(`(?:[)>.,\n]|&gt;)+$`),
		scheme: regexp.MustCompile(`^(?:[\pL\pN_.+-]{2,}:/{0,2})$`),
		mail:   regexp.MustCompile(`^\S+@` + word + `[\pL\pN_.-]*\.` + word + `+$`),
		http: regexp.MustCompile(`(?i)^(?:(?:https?://|www\.)(?:(?:` + inName + `+\.)+)?(?:[a-z]{2,63}|xn--[\pL\pN_%]{2,59})` +
			`|(?:[\pL\pN_%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)` +
			`|https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\]))(?::\d{1,5})?(?:[/?#]\S*)?$`),
	}
})

// linker makes links of what looks like one.
type linker struct {
	limit   int // -1 for none
	attrs   string
	schemes []string
}

func urlize(c *call) any {
	rel := splitBlanks(c.text(4, "")+" noopener", -1)
	if c.value(4, nil) == nil {
		rel = []string{"noopener"}
	}
	if c.truth(2) {
		rel = append(rel, "nofollow")
	}
	slices.Sort(rel)
	l := &linker{limit: -1, attrs: ` rel="` + string(escape(strings.Join(slices.Compact(rel), " "))) + `"`}
	if c.value(1, nil) != nil {
		l.limit = int(c.whole(1, 0))
	}
	if target := c.value(3, nil); truth(target) {
		l.attrs += ` target="` + string(escape(target)) + `"`
	}
	if c.value(5, nil) != nil {
		for _, scheme := range mustIterate(c.args[5]) {
			if !links().scheme.MatchString(str(scheme)) {
				fail(argumentError, "%s is not a valid URI scheme prefix.", repr(scheme))
			}
			l.schemes = append(l.schemes, str(scheme))
		}
	}
	text := string(escape(c.args[0]))
	c.r.pay(64 * len(text))
	var b strings.Builder
	for text != "" {
		at := links().blank.FindStringIndex(text)
		if at == nil {
			at = []int{len(text), len(text)}
		}
		b.WriteString(l.word(text[:at[0]]) + text[at[0]:at[1]])
		text = text[at[1]:]
	}
	return c.r.safe(b.String())
}

func (l *linker) word(word string) string {
	p := links()
	head := p.head.FindString(word)
	middle, tail := word[len(head):], ""
	if at := p.tail.FindStringIndex(middle); at != nil {
		middle, tail = middle[:at[0]], middle[at[0]:]
	}
	for _, pair := range [][2]string{{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}} {
		open := strings.Count(middle, pair[0])
		if open <= strings.Count(middle, pair[1]) {
			continue
		}
		for range min(open, strings.Count(tail, pair[1])) {
			end := strings.Index(tail, pair[1]) + len(pair[1])
			middle, tail = middle+tail[:end], tail[end:]
		}
	}
	return head + l.link(middle) + tail
}

func (l *linker) link(text string) string {
	p := links()
	switch {
	case p.http.MatchString(text):
		address := text
		if !strings.HasPrefix(text, "https://") && !strings.HasPrefix(text, "http://") {
			address = "https://" + text
		}
		return `<a href="` + address + `"` + l.attrs + `>` + l.short(text) + `</a>`
	case strings.HasPrefix(text, "mailto:") && p.mail.MatchString(text[7:]):
		return `<a href="` + text + `">` + text[7:] + `</a>`
	case strings.Contains(text, "@") && !strings.HasPrefix(text, "www.") && !strings.HasPrefix(text, "@") &&
		!strings.Contains(text, ":") && p.mail.MatchString(text):
		return `<a href="mailto:` + text + `">` + text + `</a>`
	}
	for _, scheme := range l.schemes {
		if text != scheme && strings.HasPrefix(text, scheme) {
			text = `<a href="` + text + `"` + l.attrs + `>` + text + `</a>`
		}
	}
	return text
}

func (l *linker) short(text string) string {
	if runes := []rune(text); l.limit >= 0 && len(runes) > l.limit {
		return string(runes[:l.limit]) + "..."
	}
	return text
}
