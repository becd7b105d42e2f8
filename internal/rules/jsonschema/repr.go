package jsonschema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// Repr writes a tree as Python writes the object that it stands for.
func Repr(v any) string {
	var b strings.Builder
	writeRepr(&b, v)
	return b.String()
}

func writeRepr(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		b.WriteString(map[bool]string{true: "True", false: "False"}[v])
	case string:
		b.WriteString(reprText(v))
	case Number:
		b.WriteString(reprNumber(v))
	case []any:
		b.WriteByte('[')
		for i := range v {
			comma(b, i)
			writeRepr(b, v[i])
		}
		b.WriteByte(']')
	case *Object:
		b.WriteByte('{')
		for i, name := range v.names {
			comma(b, i)
			b.WriteString(reprText(name) + ": ")
			writeRepr(b, v.values[name])
		}
		b.WriteByte('}')
	}
}

func comma(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteString(", ")
	}
}

func reprNumber(n Number) string {
	if !n.isFloat() {
		return string(n)
	}
	f, err := strconv.ParseFloat(string(n), 64)
	switch {
	case err != nil:
		return string(n)
	case f != 0 && (math.Abs(f) < 1e-4 || math.Abs(f) >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	case f == math.Trunc(f):
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// reprText quotes with single quotes unless the text has some and no double ones.
func reprText(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteByte(quote)
	for _, r := range s {
		writeRune(&b, r, quote)
	}
	b.WriteByte(quote)
	return b.String()
}

func writeRune(b *strings.Builder, r rune, quote byte) {
	switch {
	case r == rune(quote) || r == '\\':
		b.WriteByte('\\')
		b.WriteRune(r)
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case unicode.IsPrint(r):
		b.WriteRune(r)
	case r < 0x100:
		fmt.Fprintf(b, `\x%02x`, r)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}
