package jobtemplate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/usherhq/usher/internal/api"
)

// Text is what Python's str() makes of a value: templates paste values into commands and
// names, and users rely on the words (True, None, 1.0, {'x': 1}).
func Text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return repr(v)
}

func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return quote(v)
	case api.Float:
		return floatText(float64(v))
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = repr(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, quote(key)+": "+repr(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// floatText is Python's shortest form: a point or an exponent always shows.
func floatText(f float64) string {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") && !math.IsInf(f, 0) && !math.IsNaN(f) {
		text += ".0"
	}
	return text
}

func quote(s string) string {
	mark := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		mark = '"'
	}
	var b strings.Builder
	b.WriteByte(mark)
	for _, r := range s {
		quoteRune(&b, r, mark)
	}
	b.WriteByte(mark)
	return b.String()
}

func quoteRune(b *strings.Builder, r rune, mark byte) {
	switch {
	case r == '\\' || r == rune(mark):
		b.WriteByte('\\')
		b.WriteRune(r)
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r < 0x20 || r == 0x7f || (r < 0x100 && !unicode.IsPrint(r)):
		fmt.Fprintf(b, `\x%02x`, r)
	default:
		b.WriteRune(r)
	}
}
