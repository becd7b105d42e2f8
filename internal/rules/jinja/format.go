package jinja

import (
	"math/big"
	"strconv"
	"strings"
)

// format is Python's str.format.
func (r *run) format(pattern string, c *call) string {
	var b strings.Builder
	auto := 0
	for i := 0; i < len(pattern); i++ {
		switch ch := pattern[i]; {
		case (ch == '{' || ch == '}') && i+1 < len(pattern) && pattern[i+1] == ch:
			b.WriteByte(ch)
			i++
		case ch == '}':
			fail(valueError, "Single '}' encountered in format string")
		case ch == '{':
			end := closingBrace(pattern[i:])
			if end < 0 {
				if i+1 == len(pattern) {
					fail(valueError, "Single '{' encountered in format string")
				}
				fail(valueError, "expected '}' before end of string")
			}
			r.write(&b, r.field(pattern[i+1:i+end], c, &auto))
			i += end
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}

func closingBrace(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (r *run) field(text string, c *call, auto *int) string {
	name, spec, _ := strings.Cut(text, ":")
	name, conversion, converted := strings.Cut(name, "!")
	value := r.fieldValue(name, c, auto)
	if strings.Contains(spec, "{") {
		spec = r.format(spec, c)
	}
	if converted {
		switch conversion {
		case "r", "a":
			value = repr(value)
		case "s":
			value = str(value)
		default:
			fail(valueError, "Unknown conversion specifier %s", conversion)
		}
	}
	return r.formatValue(value, spec)
}

func (r *run) fieldValue(name string, c *call, auto *int) any {
	end := strings.IndexAny(name, ".[")
	rest := ""
	if end >= 0 {
		name, rest = name[:end], name[end:]
	}
	if name == "" {
		name = strconv.Itoa(*auto)
		*auto++
	}
	var value any
	if i, err := strconv.Atoi(name); err == nil {
		if i >= len(c.args) {
			fail("IndexError", "tuple index out of range")
		}
		value = c.args[i]
	} else {
		v, ok := c.named[name]
		if !ok {
			fail("KeyError", "%s", reprText(name))
		}
		value = v
	}
	return r.fieldRest(value, rest)
}

func (r *run) fieldRest(value any, rest string) any {
	for rest != "" {
		if rest[0] == '.' {
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			value, rest = r.attr(value, rest[1:end]), rest[end:]
			continue
		}
		end := strings.IndexByte(rest, ']')
		if rest[0] != '[' {
			fail(valueError, "Only '.' or '[' may follow ']' in format field specifier")
		}
		if end < 0 {
			fail(valueError, "Missing ']' in format string")
		}
		var key any = rest[1:end]
		if n, err := strconv.ParseInt(rest[1:end], 10, 64); err == nil {
			key = n
		}
		value, rest = r.item(value, key), rest[end+1:]
	}
	return value
}

// formatSpec is what stands after the colon of a field.
type formatSpec struct {
	fill      rune
	align     byte // 0 for what suits the value
	sign      byte
	alternate bool
	width     int
	comma     byte
	precision int // -1 for none
	letter    byte
	zero      bool // the fill is from a width that begins with one
}

func parseSpec(text string) formatSpec {
	s := formatSpec{fill: ' ', precision: -1}
	runes := []rune(text)
	isAlign := func(i int) bool { return i < len(runes) && strings.ContainsRune("<>=^", runes[i]) }
	if isAlign(1) {
		s.fill, s.align, runes = runes[0], byte(runes[1]), runes[2:]
	} else if isAlign(0) {
		s.align, runes = byte(runes[0]), runes[1:]
	}
	take := func(set string) byte {
		if len(runes) > 0 && strings.ContainsRune(set, runes[0]) {
			c := byte(runes[0])
			runes = runes[1:]
			return c
		}
		return 0
	}
	number := func() int {
		n, seen := 0, false
		for len(runes) > 0 && runes[0] >= '0' && runes[0] <= '9' && n < 1<<24 {
			n, seen, runes = n*10+int(runes[0]-'0'), true, runes[1:]
		}
		if !seen {
			return -1
		}
		return n
	}
	s.sign = take("+- ")
	s.alternate = take("#") != 0
	if take("0") != 0 && s.align == 0 {
		s.fill, s.align, s.zero = '0', '=', true
	}
	s.width = max(number(), 0)
	s.comma = take(",_")
	if take(".") != 0 {
		if s.precision = number(); s.precision < 0 {
			fail(valueError, "Format specifier missing precision")
		}
	}
	s.letter = take("bcdeEfFgGnosxX%")
	if len(runes) > 0 {
		fail(valueError, "Invalid format specifier %s", reprText(text))
	}
	return s
}

// formatValue is Python's format(value, spec).
func (r *run) formatValue(v any, spec string) string {
	if isMoment(v) && spec != "" {
		return strftime(v, spec)
	}
	if spec == "" {
		return str(v)
	}
	s := parseSpec(spec)
	_, isText := textOf(v)
	_, isNumber := numberOf(v)
	switch {
	case isText:
		if s.letter != 0 && s.letter != 's' {
			fail(valueError, "Unknown format code %s for object of type %s", reprText(string(rune(s.letter))), reprText(typeName(v)))
		}
		s.checkText()
		text := []rune(str(v))
		if s.precision >= 0 {
			text = text[:min(s.precision, len(text))]
		}
		return s.pad(r, "", string(text), '<')
	case isNumber:
		return s.number(r, v)
	}
	fail(typeError, "unsupported format string passed to %s.__format__", typeName(v))
	return ""
}

// checkText refuses what only numbers may have.
func (s *formatSpec) checkText() {
	switch {
	case s.sign != 0:
		fail(valueError, "Sign not allowed in string format specifier")
	case s.alternate:
		fail(valueError, "Alternate form (#) not allowed in string format specifier")
	case s.comma != 0:
		fail(valueError, "Cannot specify '%c' with 's'.", s.comma)
	case s.zero:
		s.align = '<'
	case s.align == '=':
		fail(valueError, "'=' alignment not allowed in string format specifier")
	}
}

func (s formatSpec) number(r *run, v any) string {
	n, isWhole := bigOf(v)
	text, prefix := "", ""
	r.pay(s.precision)
	switch {
	case isWhole && (s.letter == 0 || strings.IndexByte("bcdoxXn", s.letter) >= 0):
		if s.letter == 'c' {
			return s.pad(r, "", verbRune(v), '<')
		}
		if s.precision >= 0 {
			fail(valueError, "Precision not allowed in integer format specifier")
		}
		text, prefix = s.whole(n)
	default:
		f, _ := numberOf(v)
		if s.letter != 0 && strings.IndexByte("eEfFgGn%", s.letter) < 0 {
			fail(valueError, "Unknown format code %s for object of type 'float'", reprText(string(rune(s.letter))))
		}
		text = s.float(f)
	}
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	} else if s.sign == '+' || s.sign == ' ' {
		sign = string(rune(s.sign))
	}
	if s.comma != 0 {
		text = groupDigits(text, s.comma, map[bool]int{true: 4, false: 3}[s.comma == '_' && strings.IndexByte("boxX", s.letter) >= 0])
	}
	return s.pad(r, sign+prefix, text, '>')
}

func (s formatSpec) whole(n *big.Int) (text, prefix string) {
	base := map[byte]int{'b': 2, 'o': 8, 'x': 16, 'X': 16}[s.letter]
	if base == 0 {
		return n.String(), ""
	}
	text = n.Text(base)
	if s.alternate {
		prefix = "0" + string(rune(s.letter))
	}
	if s.letter == 'X' {
		text = strings.ToUpper(text)
	}
	return text, prefix
}

func (s formatSpec) float(f float64) string {
	precision := s.precision
	if s.letter == 0 {
		if precision < 0 {
			return reprFloat(f)
		}
		text := formatFloat(f, 'g', precision, s.alternate)
		if !strings.ContainsAny(text, ".en") {
			text += ".0"
		}
		return text
	}
	if precision < 0 {
		precision = 6
	}
	switch s.letter {
	case '%':
		return formatFloat(f*100, 'f', precision, false) + "%"
	case 'n':
		return formatFloat(f, 'g', precision, s.alternate)
	}
	return formatFloat(f, s.letter, precision, s.alternate)
}

// groupDigits puts a separator between every size digits before the point.
func groupDigits(text string, sep byte, size int) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r == '.' || r == 'e' || r == '%' })
	if end < 0 {
		end = len(text)
	}
	head := text[:end]
	var b strings.Builder
	for i := range len(head) {
		if i > 0 && (len(head)-i)%size == 0 && head[i-1] != '-' {
			b.WriteByte(sep)
		}
		b.WriteByte(head[i])
	}
	return b.String() + text[end:]
}

func (s formatSpec) pad(r *run, head, text string, align byte) string {
	if s.align != 0 {
		align = s.align
	}
	n := s.width - runeCount(head) - runeCount(text)
	if n <= 0 {
		return head + text
	}
	r.payTimes(4, int64(n))
	fill := string(s.fill)
	switch align {
	case '<':
		return head + text + strings.Repeat(fill, n)
	case '^':
		return strings.Repeat(fill, n/2) + head + text + strings.Repeat(fill, n-n/2)
	case '=':
		return head + strings.Repeat(fill, n) + text
	}
	return strings.Repeat(fill, n) + head + text
}
