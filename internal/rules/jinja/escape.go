package jinja

import (
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"
)

// escape makes what a value prints safe in HTML.
func escape(v any) markup {
	if safe, ok := v.(markup); ok {
		return safe
	}
	return markup(strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;").Replace(str(v)))
}

// jsonWriter writes JSON as Python does, with what HTML could trip over escaped.
type jsonWriter struct {
	r      *run
	b      strings.Builder
	indent int // -1 for one line
}

func (r *run) toJSON(v any, indent int) string {
	w := &jsonWriter{r: r, indent: indent}
	w.value(v, 0)
	return strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`).Replace(w.b.String())
}

func (w *jsonWriter) value(v any, depth int) {
	w.r.pay(8)
	switch v := v.(type) {
	case nil:
		w.b.WriteString("null")
	case bool:
		w.b.WriteString(strings.ToLower(repr(v)))
	case int64, *big.Int:
		w.b.WriteString(repr(v))
	case float64:
		w.float(v)
	case string:
		w.text(v)
	case markup:
		w.text(string(v))
	case Enum:
		w.text(v.Value)
	case []any:
		w.list(v, depth)
	case tuple:
		w.list(v, depth)
	case *grouper:
		w.list([]any{v.key, v.list}, depth)
	case *Dict:
		w.dict(v, depth)
	case JSONer:
		w.value(adopt(v.JSON()), depth)
	case *undefined:
		fail(typeError, "Object of type ChainableUndefined is not JSON serializable")
	default:
		fail(typeError, "Object of type %s is not JSON serializable", bareTypeName(v))
	}
}

func (w *jsonWriter) float(f float64) {
	switch text := reprFloat(f); text {
	case "nan":
		w.b.WriteString("NaN")
	case "inf":
		w.b.WriteString("Infinity")
	case "-inf":
		w.b.WriteString("-Infinity")
	default:
		w.b.WriteString(text)
	}
}

func (w *jsonWriter) text(s string) {
	w.r.pay(len(s))
	w.b.WriteByte('"')
	for _, c := range s {
		if short, ok := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}[c]; ok {
			w.b.WriteString(short)
			continue
		}
		switch {
		case c >= ' ' && c < 0x7f:
			w.b.WriteRune(c)
		case c > 0xffff:
			c -= 0x10000
			fmt.Fprintf(&w.b, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		default:
			fmt.Fprintf(&w.b, `\u%04x`, c)
		}
	}
	w.b.WriteByte('"')
}

func (w *jsonWriter) line(depth int) {
	if w.indent >= 0 {
		w.r.payTimes(w.indent, int64(depth))
		w.b.WriteString("\n" + strings.Repeat(" ", w.indent*depth))
	}
}

func (w *jsonWriter) comma(i int) {
	if i > 0 {
		w.b.WriteString(",")
		if w.indent < 0 {
			w.b.WriteString(" ")
		}
	}
}

func (w *jsonWriter) list(items []any, depth int) {
	if len(items) == 0 {
		w.b.WriteString("[]")
		return
	}
	w.b.WriteByte('[')
	for i, item := range items {
		w.comma(i)
		w.line(depth + 1)
		w.value(item, depth+1)
	}
	w.line(depth)
	w.b.WriteByte(']')
}

func (w *jsonWriter) dict(d *Dict, depth int) {
	if len(d.keys) == 0 {
		w.b.WriteString("{}")
		return
	}
	w.b.WriteByte('{')
	for i, key := range sorted(d.keys, nil, false) {
		w.comma(i)
		w.line(depth + 1)
		w.text(jsonKey(key))
		w.b.WriteString(": ")
		v, _ := d.Get(key)
		w.value(v, depth+1)
	}
	w.line(depth)
	w.b.WriteByte('}')
}

func jsonKey(key any) string {
	switch key := key.(type) {
	case string, markup:
		return str(key)
	case nil:
		return "null"
	case bool:
		return strings.ToLower(repr(key))
	case int64, float64, *big.Int:
		return repr(key)
	}
	fail(typeError, "keys must be str, int, float, bool or None, not %s", typeName(key))
	return ""
}

// urlQuote escapes a text for a URL; in a query a slash too, and a blank is a plus.
func urlQuote(s string, query bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c < utf8.RuneSelf && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.-~", c) >= 0), c == '/' && !query:
			b.WriteByte(c)
		case c == ' ' && query:
			b.WriteByte('+')
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
