package jinja

import (
	"math/big"
	"strconv"
	"strings"
)

// verb is a place in a format, after its percent sign.
type verb struct {
	flags     string
	width     int
	precision int // -1 for none
	letter    byte
}

// percent is Python's text % values.
func (r *run) percent(format string, values any, safe bool) string {
	args, isTuple := values.(tuple)
	mapping, isMapping := values.(*Dict)
	_, isUndefined := values.(*undefined)
	if !isTuple {
		args = tuple{values}
	}
	next := func() any {
		if len(args) == 0 {
			fail(typeError, "not enough arguments for format string")
		}
		v := args[0]
		args = args[1:]
		return v
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		i++
		var key any = missing{}
		if i < len(format) && format[i] == '(' {
			end := strings.IndexByte(format[i:], ')')
			if !isMapping && !isUndefined || end < 0 {
				fail(typeError, "format requires a mapping")
			}
			key = format[i+1 : i+end]
			i += end + 1
		}
		v, size := readVerb(format[i:], next)
		i += size - 1
		if v.letter == '%' {
			b.WriteByte('%')
			continue
		}
		var value any
		if _, inTurn := key.(missing); inTurn {
			value = next()
		} else if isUndefined {
			value = r.item(values, key)
		} else {
			found, ok := mapping.Get(key)
			if !ok {
				fail("KeyError", "%s", repr(key))
			}
			value = found
		}
		r.write(&b, r.verb(v, value, safe))
	}
	if len(args) > 0 && !hasItems(values) {
		fail(typeError, "not all arguments converted during string formatting")
	}
	return b.String()
}

// hasItems says whether Python takes a value for a mapping, of which not all need be used.
func hasItems(v any) bool {
	switch v.(type) {
	case *Dict, []any, span, *undefined:
		return true
	}
	return false
}

func readVerb(format string, next func() any) (v verb, size int) {
	v.precision = -1
	i := 0
	for i < len(format) && strings.IndexByte("#0- +", format[i]) >= 0 {
		i++
	}
	v.flags = format[:i]
	number := func() int {
		if i < len(format) && format[i] == '*' {
			i++
			n, ok := intOf(next())
			if !ok {
				fail(typeError, "* wants int")
			}
			return int(n)
		}
		start := i
		for i < len(format) && format[i] >= '0' && format[i] <= '9' {
			i++
		}
		n, _ := strconv.Atoi(format[start:i])
		return n
	}
	if v.width = number(); v.width < 0 {
		v.width, v.flags = -v.width, v.flags+"-"
	}
	if i < len(format) && format[i] == '.' {
		i++
		v.precision = max(number(), 0)
	}
	for i < len(format) && strings.IndexByte("hlL", format[i]) >= 0 {
		i++
	}
	if i >= len(format) {
		fail(valueError, "incomplete format")
	}
	v.letter = format[i]
	return v, i + 1
}

func (r *run) verb(v verb, value any, safe bool) string {
	text := ""
	switch v.letter {
	case 's', 'r', 'a':
		text = verbText(v, value, safe)
	case 'd', 'i', 'u', 'o', 'x', 'X':
		text = v.sign(verbWhole(v, value))
	case 'e', 'E', 'f', 'F', 'g', 'G':
		f, ok := numberOf(value)
		if !ok {
			if u, isUndefined := value.(*undefined); isUndefined {
				u.fail()
			}
			fail(typeError, "must be real number, not %s", typeName(value))
		}
		precision := v.precision
		if precision < 0 {
			precision = 6
		}
		r.pay(precision)
		text = v.sign(formatFloat(f, v.letter, precision, strings.Contains(v.flags, "#")))
	case 'c':
		text = verbRune(value)
	default:
		fail(valueError, "unsupported format character %s (0x%x) at index %d", reprText(string(rune(v.letter))), v.letter, 1)
	}
	return v.pad(r, text)
}

func verbText(v verb, value any, safe bool) string {
	text := repr(value)
	if v.letter == 's' {
		text = str(value)
	}
	if safe && v.letter == 's' {
		text = string(escape(value))
	} else if safe {
		text = string(escape(text))
	}
	if v.precision >= 0 {
		runes := []rune(text)
		text = string(runes[:min(v.precision, len(runes))])
	}
	return text
}

func verbRune(value any) string {
	if n, ok := intOf(value); ok {
		if n < 0 || n > 0x10ffff {
			fail(overflowError, "%%c arg not in range(0x110000)")
		}
		return string(rune(n))
	}
	text, ok := textOf(value)
	if !ok || runeCount(text) != 1 {
		fail(typeError, "%%c requires int or char")
	}
	return text
}

func verbWhole(v verb, value any) string {
	n, ok := bigOf(value)
	if f, isFloat := value.(float64); isFloat && strings.IndexByte("diu", v.letter) >= 0 {
		n, ok = wholeOf(f), true
	}
	if !ok {
		if strings.IndexByte("oxX", v.letter) >= 0 {
			fail(typeError, "%%%c format: an integer is required, not %s", v.letter, typeName(value))
		}
		if u, isUndefined := value.(*undefined); isUndefined {
			u.fail()
		}
		fail(typeError, "%%%c format: a real number is required, not %s", v.letter, typeName(value))
	}
	base, prefix := 10, ""
	switch v.letter {
	case 'o':
		base, prefix = 8, "0o"
	case 'x':
		base, prefix = 16, "0x"
	case 'X':
		base, prefix = 16, "0X"
	}
	digits := new(big.Int).Abs(n).Text(base)
	if v.letter == 'X' {
		digits = strings.ToUpper(digits)
	}
	if len(digits) < v.precision {
		digits = strings.Repeat("0", min(v.precision, 1000)-len(digits)) + digits
	}
	if base != 10 && strings.Contains(v.flags, "#") {
		digits = prefix + digits
	}
	if n.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// wholeOf is a number without what is after its point.
func wholeOf(f float64) *big.Int {
	if f-f != 0 {
		if f != f {
			fail(valueError, "cannot convert float NaN to integer")
		}
		fail(overflowError, "cannot convert float infinity to integer")
	}
	n, _ := new(big.Float).SetFloat64(f).Int(nil)
	return n
}

func (v verb) sign(text string) string {
	switch {
	case strings.HasPrefix(text, "-"):
	case strings.Contains(v.flags, "+"):
		return "+" + text
	case strings.Contains(v.flags, " "):
		return " " + text
	}
	return text
}

func (v verb) pad(r *run, text string) string {
	n := v.width - runeCount(text)
	if n <= 0 {
		return text
	}
	r.payTimes(1, int64(n))
	switch {
	case strings.Contains(v.flags, "-"):
		return text + strings.Repeat(" ", n)
	case strings.Contains(v.flags, "0") && strings.IndexByte("sraC", v.letter) < 0:
		head := len(text) - len(strings.TrimLeft(text, "+- "))
		return text[:head] + strings.Repeat("0", n) + text[head:]
	}
	return strings.Repeat(" ", n) + text
}

// formatFloat writes a number in one of C's ways.
func formatFloat(f float64, letter byte, precision int, keepZeros bool) string {
	upper := letter < 'a'
	text := ""
	switch {
	case f != f:
		text = "nan"
	case f-f != 0:
		text = "inf"
		if f < 0 {
			text = "-inf"
		}
	default:
		text = finiteFloat(f, letter|0x20, precision, keepZeros)
	}
	if upper {
		text = strings.ToUpper(text)
	}
	return text
}

func finiteFloat(f float64, letter byte, precision int, keepZeros bool) string {
	if letter != 'g' {
		return strconv.FormatFloat(f, letter, precision, 64)
	}
	precision = max(precision, 1)
	text := strconv.FormatFloat(f, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	exp, _ := strconv.Atoi(exponent)
	if exp >= -4 && exp < precision {
		mantissa, exponent = strconv.FormatFloat(f, 'f', precision-1-exp, 64), ""
	} else {
		exponent = "e" + exponent
	}
	if !keepZeros && strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + exponent
}
