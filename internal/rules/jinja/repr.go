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
func repr(v any) string { return (&shower{}).text(v) }

// sortedRepr is repr with the keys in order.
func sortedRepr(v any) string { return (&shower{sorted: true}).text(v) }

// maxInside is how deep values lie in each other at most, where somebody looks inside.
const maxInside = 1000

func tooDeep() { fail("RecursionError", "maximum recursion depth exceeded while looking into a value") }

// shower writes down values. A few that hold each other twice, level after level, would come
// to more than any memory holds, so it gives up.
type shower struct {
	b      strings.Builder
	depth  int
	sorted bool // keys are in order
}

func (s *shower) text(v any) string {
	s.value(v)
	return s.b.String()
}

func (s *shower) value(v any) {
	if s.depth++; s.depth > maxInside {
		tooDeep()
	}
	defer func() { s.depth-- }()
	switch v := v.(type) {
	case []any:
		s.all("[", v, "]")
	case tuple:
		s.tuple(v)
	case Set:
		if len(v) == 0 {
			s.write("set()")
		} else {
			s.all("{", v, "}")
		}
	case *grouper:
		s.tuple(tuple{v.key, v.list})
	case *Dict:
		s.dict(v)
	case view:
		s.all(v.kind+"([", v.items, "])")
	case namespace:
		s.write("<Namespace ")
		s.dict(v.Dict)
		s.write(">")
	default:
		s.write(reprPlain(v))
	}
}

func (s *shower) write(text string) {
	if s.b.Len()+len(text) > DefaultOutput {
		fail(securityError, "a value shows as more than %d bytes", DefaultOutput)
	}
	s.b.WriteString(text)
}

func (s *shower) all(begin string, items []any, end string) {
	s.write(begin)
	for i, item := range items {
		if i > 0 {
			s.write(", ")
		}
		s.value(item)
	}
	s.write(end)
}

func (s *shower) tuple(v tuple) {
	if len(v) == 1 {
		s.all("(", v, ",)")
		return
	}
	s.all("(", v, ")")
}

func (s *shower) dict(d *Dict) {
	keys := d.keys
	if s.sorted {
		keys = prettyKeys(d)
	}
	s.write("{")
	for i, key := range keys {
		if i > 0 {
			s.write(", ")
		}
		s.value(key)
		s.write(": ")
		value, _ := d.Get(key)
		s.value(value)
	}
	s.write("}")
}

// reprPlain is repr of what holds no others.
func reprPlain(v any) string {
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

func reprRare(v any) string {
	switch v := v.(type) {
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
