package jinja

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

func runeCount(s string) int { return utf8.RuneCountInString(s) }

func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func trimRight(s string) string { return strings.TrimRightFunc(s, isSpace) }

func trimLeft(s string) string { return strings.TrimLeftFunc(s, isSpace) }

func trim(s string) string { return strings.TrimFunc(s, isSpace) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// str is what a value prints as.
func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case markup:
		return string(v)
	case Enum:
		return v.String()
	case *undefined:
		return ""
	case time.Time:
		return isoTime(v, " ")
	case naive:
		return isoTime(v, " ")
	case date:
		return v.Format(time.DateOnly)
	case zone:
		return zoneName(v.Location, time.Time{})
	case Duration:
		return v.String()
	case uuid.UUID:
		return v.String()
	case Object:
		return v.String()
	}
	return repr(v)
}

// repr is what a value looks like inside of a list.
func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case *big.Int:
		return v.String()
	case float64:
		return reprFloat(v)
	case string:
		return reprText(v)
	case Enum:
		return v.String()
	case markup:
		return "Markup(" + reprText(string(v)) + ")"
	case []any:
		return "[" + reprAll(v) + "]"
	case tuple:
		return reprTuple(v)
	case Set:
		return reprSet(v)
	case *grouper:
		return reprTuple(tuple{v.key, v.list})
	case *Dict:
		return reprDict(v)
	case view:
		return v.kind + "([" + reprAll(v.items) + "])"
	case span:
		return v.String()
	case time.Time, naive, date, Duration, zone:
		return reprMoment(v)
	case uuid.UUID:
		return "UUID('" + v.String() + "')"
	case *undefined:
		return "Undefined"
	}
	return reprRare(v)
}

func reprSet(v Set) string {
	if len(v) == 0 {
		return "set()"
	}
	return "{" + reprAll(v) + "}"
}

func reprRare(v any) string {
	switch v := v.(type) {
	case namespace:
		return "<Namespace " + reprDict(v.Dict) + ">"
	case *macro:
		return "<Macro " + v.def.shown() + ">"
	case *loop:
		return fmt.Sprintf("<LoopContext %d/%d>", v.index+1, len(v.items))
	case *generator:
		return v.shown
	case method:
		return "<built-in method " + v.name + ">"
	case typeValue:
		return "<class '" + v.name + "'>"
	case Object:
		return v.String()
	}
	return "<function>"
}

func reprAll(items []any) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = repr(item)
	}
	return strings.Join(texts, ", ")
}

func reprTuple(v tuple) string {
	if len(v) == 1 {
		return "(" + repr(v[0]) + ",)"
	}
	return "(" + reprAll(v) + ")"
}

func reprDict(d *Dict) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, key := range d.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		value, _ := d.Get(key)
		b.WriteString(repr(key) + ": " + repr(value))
	}
	return b.String() + "}"
}

// String shows a range.
func (s span) String() string {
	if s.step == 1 {
		return fmt.Sprintf("range(%d, %d)", s.start, s.stop)
	}
	return fmt.Sprintf("range(%d, %d, %d)", s.start, s.stop, s.step)
}

// reprFloat is the shortest text that reads back as the same number.
func reprFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		if f > 0 {
			return "inf"
		}
		return "-inf"
	}
	text := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	exp, _ := strconv.Atoi(exponent)
	if exp >= -4 && exp < 16 {
		text = strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	return fmt.Sprintf("%se%+03d", mantissa, exp)
}

// reprText quotes as Python does.
func reprText(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b := []byte{quote}
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == ' ' || unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r < 0x100:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
	}
	return string(append(b, quote))
}
