package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strings"
)

func humanizeNumbers() map[string]filter {
	return map[string]filter{
		"ordinal":             {"value gender?", ordinal},
		"intcomma":            {"value ndigits?", intComma},
		"intword":             {"value format?", intWord},
		"apnumber":            {"value", apNumber},
		"fractional":          {"value", fractional},
		"scientific":          {"value precision?", func(c *call) any { return scientific(c.r, c.args[0], c.whole(1, 2)) }},
		"clamp":               {"value floor? ceil? format? floor_token? ceil_token?", clamp},
		"metric":              {"value unit? precision?", metric},
		"naturalsize":         {"value binary? gnu? format?", naturalSize},
		"thousands_separator": {"value", func(*call) any { return "," }},
		"decimal_separator":   {"value", func(*call) any { return "." }},
	}
}

func notFinite(f float64) (string, bool) {
	switch {
	case f != f:
		return "NaN", true
	case f > math.MaxFloat64:
		return "+Inf", true
	case f < -math.MaxFloat64:
		return "-Inf", true
	}
	return "", false
}

// humanWhole is the whole number that a value is; otherwise what to show instead.
func humanWhole(v any) (n *big.Int, instead string) {
	text, isText := textOf(v)
	_, isNumber := numberOf(v)
	if u, isUndefined := v.(*undefined); isUndefined {
		u.fail()
	}
	if !isText && !isNumber {
		return nil, str(v)
	}
	if isText {
		f, err := parseFloat(text)
		if err != nil {
			return nil, text
		}
		if shown, odd := notFinite(f); odd {
			return nil, shown
		}
		whole, err := parseInt(text, 10)
		if err != nil {
			return nil, text
		}
		v = whole
	}
	if f, isFloat := v.(float64); isFloat {
		if shown, odd := notFinite(f); odd {
			return nil, shown
		}
		return wholeOf(f), ""
	}
	n, _ = bigOf(v)
	return n, ""
}

func ordinal(c *call) any {
	n, instead := humanWhole(c.args[0])
	if n == nil {
		return instead
	}
	last := new(big.Int).Mod(n, big.NewInt(100)).Int64()
	digit := last % 10
	if last >= 11 && last <= 13 {
		digit = 0
	}
	suffix := "th"
	if digit >= 1 && digit <= 3 {
		suffix = []string{"st", "nd", "rd"}[digit-1]
	}
	return n.String() + suffix
}

func intComma(c *call) any {
	v := c.args[0]
	if u, isUndefined := v.(*undefined); isUndefined {
		u.fail()
	}
	if text, isText := textOf(v); isText {
		text = strings.ReplaceAll(text, ",", "")
		f, err := parseFloat(text)
		if err != nil {
			return text
		}
		if shown, odd := notFinite(f); odd {
			return shown
		}
		v = f
		if !strings.Contains(text, ".") {
			if v, err = parseInt(text, 10); err != nil {
				return text
			}
		}
	}
	f, ok := numberOf(v)
	if !ok {
		return str(v)
	}
	if shown, odd := notFinite(f); odd {
		return shown
	}
	spec := ","
	if c.value(1, nil) != nil {
		spec = fmt.Sprintf(",.%df", c.whole(1, 0))
	} else if b, isBool := v.(bool); isBool {
		v, _ = intOf(b)
	}
	return c.r.formatValue(v, spec)
}

var powers = []string{"thousand", "million", "billion", "trillion", "quadrillion", "quintillion", "sextillion", "septillion", "octillion", "nonillion", "decillion", "googol"}

func powerOf(i int) *big.Int {
	exponent := int64(3 * (i + 1))
	if i == len(powers)-1 {
		exponent = 100
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(exponent), nil)
}

func intWord(c *call) any {
	n, instead := humanWhole(c.args[0])
	if n == nil {
		return instead
	}
	sign := ""
	if n.Sign() < 0 {
		sign, n = "-", new(big.Int).Neg(n)
	}
	if n.Cmp(powerOf(0)) < 0 {
		return sign + n.String()
	}
	i := 0
	for i+1 < len(powers) && n.Cmp(powerOf(i+1)) >= 0 {
		i++
	}
	format := func(f float64) any { return c.r.binary("%", c.value(1, "%.1f"), f) }
	chopped, _ := new(big.Rat).SetFrac(n, powerOf(i)).Float64()
	rounded := mustFloat(format(chopped))
	if i+1 < len(powers) {
		power, _ := new(big.Float).SetInt(powerOf(i)).Float64()
		next, _ := new(big.Float).SetInt(powerOf(i + 1)).Float64()
		if rounded*power == next {
			i, rounded = i+1, 1
		}
	}
	out := format(rounded)
	text, ok := textOf(out)
	if !ok {
		fail("AttributeError", "%s object has no attribute 'replace'", reprText(typeName(out)))
	}
	return sign + text + " " + powers[i]
}

func apNumber(c *call) any {
	n, instead := humanWhole(c.args[0])
	switch {
	case n == nil:
		return instead
	case n.IsInt64() && n.Int64() >= 0 && n.Int64() < 10:
		return []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}[n.Int64()]
	}
	return n.String()
}

// humanFloat is the number that a value is; otherwise what to show instead.
func humanFloat(v any) (f float64, instead string, ok bool) {
	if u, isUndefined := v.(*undefined); isUndefined {
		u.fail()
	}
	if text, isText := textOf(v); isText {
		parsed, err := parseFloat(text)
		if err != nil {
			return 0, text, false
		}
		f = parsed
	} else if f, ok = numberOf(v); !ok {
		return 0, str(v), false
	}
	if shown, odd := notFinite(f); odd {
		return 0, shown, false
	}
	return f, "", true
}

func fractional(c *call) any {
	f, instead, ok := humanFloat(c.args[0])
	if !ok {
		return instead
	}
	whole := math.Trunc(f)
	numerator, denominator := nearestFraction(f-whole, 1000)
	switch {
	case whole != 0 && numerator == 0 && denominator == 1:
		return fmt.Sprintf("%.0f", whole)
	case whole == 0:
		return fmt.Sprintf("%d/%d", numerator, denominator)
	}
	return fmt.Sprintf("%.0f %d/%d", whole, max(numerator, -numerator), denominator)
}

// nearestFraction is the fraction next to f whose denominator is at most limit.
func nearestFraction(f float64, limit int64) (numerator, denominator int64) {
	exact := new(big.Rat)
	exact.SetFloat64(f)
	if exact.Denom().Cmp(big.NewInt(limit)) <= 0 {
		return exact.Num().Int64(), exact.Denom().Int64()
	}
	p0, q0, p1, q1 := big.NewInt(0), big.NewInt(1), big.NewInt(1), big.NewInt(0)
	n, d, most := new(big.Int).Set(exact.Num()), new(big.Int).Set(exact.Denom()), big.NewInt(limit)
	for {
		a, rest := new(big.Int).DivMod(n, d, new(big.Int))
		q2 := new(big.Int).Add(q0, new(big.Int).Mul(a, q1))
		if q2.Cmp(most) > 0 {
			break
		}
		p0, q0, p1, q1 = p1, q1, new(big.Int).Add(p0, new(big.Int).Mul(a, p1)), q2
		n, d = d, rest
	}
	k := new(big.Int).Div(new(big.Int).Sub(most, q0), q1)
	first := new(big.Rat).SetFrac(new(big.Int).Add(p0, new(big.Int).Mul(k, p1)), new(big.Int).Add(q0, new(big.Int).Mul(k, q1)))
	second := new(big.Rat).SetFrac(p1, q1)
	away := func(r *big.Rat) *big.Rat { return new(big.Rat).Abs(new(big.Rat).Sub(r, exact)) }
	best := first
	if away(second).Cmp(away(first)) <= 0 {
		best = second
	}
	return best.Num().Int64(), best.Denom().Int64()
}

func scientific(r *run, v any, precision int64) string {
	f, instead, ok := humanFloat(v)
	if !ok {
		return instead
	}
	mantissa, exponent, _ := strings.Cut(r.formatValue(f, fmt.Sprintf(".%de", precision)), "e")
	n, _ := parseInt(exponent, 10)
	superscript := strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹", "-", "⁻")
	return mantissa + " x 10" + superscript.Replace(repr(n))
}

func clamp(c *call) any {
	v := c.args[0]
	if v == nil {
		return nil
	}
	f, ok := numberOf(v)
	if !ok {
		if u, isUndefined := v.(*undefined); isUndefined {
			u.fail()
		}
		fail(typeError, "must be real number, not %s", typeName(v))
	}
	if shown, odd := notFinite(f); odd {
		return shown
	}
	token := ""
	if floor := c.value(1, nil); floor != nil && order("<", v, floor) < 0 {
		v, token = floor, c.text(4, "<")
	} else if ceil := c.value(2, nil); ceil != nil && order(">", v, ceil) == 1 {
		v, token = ceil, c.text(5, ">")
	}
	return token + c.r.format(c.text(3, "{:}"), &call{r: c.r, args: []any{v}})
}

func metric(c *call) any {
	v := c.args[0]
	f, ok := numberOf(v)
	if !ok {
		if u, isUndefined := v.(*undefined); isUndefined {
			u.fail()
		}
		fail(typeError, "must be real number, not %s", typeName(v))
	}
	if shown, odd := notFinite(f); odd {
		return shown
	}
	unit, precision := c.text(1, ""), int(c.whole(2, 3))
	exponent := 0
	if f != 0 {
		exponent = int(math.Floor(math.Log10(math.Abs(f))))
	}
	if exponent >= 33 || exponent < -30 {
		return scientific(c.r, v, int64(precision-1)) + unit
	}
	floorThird := func(e int) int { return int(math.Floor(float64(e) / 3)) }
	bucket := floorThird(exponent) * 3
	digitsOf := func(e int) int { return max(0, precision-(e-floorThird(e)*3)-1) }
	f /= math.Pow(10, float64(bucket))
	if exponent < 30 && roundFloat(math.Abs(f), int64(digitsOf(exponent))) >= 1000 {
		exponent = bucket + 3
		f /= 1000
	}
	letter := ""
	if exponent >= 3 {
		letter = string("kMGTPEZYRQ"[exponent/3-1])
	} else if exponent < 0 {
		letter = string([]rune("mμnpfazyrq")[(-exponent-1)/3])
	}
	space := " "
	if unit+letter == "" || unit == "°" || unit == "′" || unit == "″" {
		space = ""
	}
	return fmt.Sprintf("%.*f%s%s%s", digitsOf(exponent), f, space, letter, unit)
}

func naturalSize(c *call) any {
	f := mustFloat(c.args[0])
	binary, gnu, format := c.truth(1), c.truth(2), c.text(3, "%.1f")
	base, space, letters, tail := 1000.0, " ", "kMGTPEZYRQ", "B"
	switch {
	case gnu:
		base, space, letters, tail = 1024, "", "KMGTPEZYRQ", ""
	case binary:
		base, letters, tail = 1024, "KMGTPEZYRQ", "iB"
	}
	size := math.Abs(f)
	switch {
	case size == 1 && !gnu:
		return fmt.Sprintf("%d Byte", wholeOf(f))
	case size < base && gnu:
		return fmt.Sprintf("%dB", wholeOf(f))
	case size < base:
		return fmt.Sprintf("%d Bytes", wholeOf(f))
	}
	exponent := int(min(math.Log(size)/math.Log(base), float64(len(letters))))
	if exponent < len(letters) && math.Abs(mustFloat(c.r.percent(format, size/math.Pow(base, float64(exponent)), false))) >= base {
		exponent++
	}
	return c.r.percent(format, f/math.Pow(base, float64(exponent)), false) + space + letters[exponent-1:exponent] + tail
}
