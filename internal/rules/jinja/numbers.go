package jinja

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

func numberFilters() map[string]filter {
	return map[string]filter{
		"abs":            {"x", absOf},
		"int":            {"value default? base?", intFilter},
		"float":          {"value default?", floatFilter},
		"round":          {"value precision? method?", roundFilter},
		"filesizeformat": {"value binary?", fileSize},
	}
}

func absOf(c *call) any {
	v := c.args[0]
	if n, ok := bigOf(v); ok {
		return small(new(big.Int).Abs(n))
	}
	switch v := v.(type) {
	case float64:
		return math.Abs(v)
	case Duration:
		return max(v, -v)
	}
	fail(typeError, "bad operand type for abs(): %s", reprText(typeName(v)))
	return nil
}

var errNumber = errors.New("no number")

// parseInt reads a whole number as Python's int does.
func parseInt(s string, base int) (any, error) {
	s = strings.ToLower(trim(s))
	sign := strings.HasPrefix(s, "-")
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		return nil, errNumber
	}
	prefixes := map[int]string{2: "0b", 8: "0o", 16: "0x"}
	for b, prefix := range prefixes {
		if strings.HasPrefix(digits, prefix) && (base == b || base == 0) {
			digits, base = strings.TrimPrefix(digits[2:], "_"), b
			break
		}
	}
	if base == 0 {
		base = 10
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(digits, "_", ""), base)
	if !ok || strings.ContainsAny(digits, "+-") {
		return nil, errNumber
	}
	if sign {
		n.Neg(n)
	}
	return small(n), nil
}

// parseFloat reads a number as Python's float does.
func parseFloat(s string) (float64, error) {
	s = strings.ToLower(trim(s))
	if strings.ContainsAny(s, "xp") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, errNumber
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errNumber
	}
	return f, nil
}

func intFilter(c *call) any {
	otherwise := c.value(1, int64(0))
	if text, ok := textOf(c.args[0]); ok {
		base := int(c.whole(2, 10))
		if base != 0 && (base < 2 || base > 36) {
			return otherwise
		}
		if n, err := parseInt(text, base); err == nil {
			return n
		}
		f, err := parseFloat(text)
		if err != nil || f-f != 0 {
			return otherwise
		}
		return small(wholeOf(f))
	}
	switch v := c.args[0].(type) {
	case *undefined:
		v.fail()
	case float64:
		if v != v {
			return otherwise
		}
		return small(wholeOf(v))
	case uuid.UUID:
		n, _ := uuidMember(v, "int")
		return n
	}
	if n, ok := bigOf(c.args[0]); ok {
		return small(n)
	}
	return otherwise
}

func floatFilter(c *call) any {
	otherwise := c.value(1, 0.0)
	if text, ok := textOf(c.args[0]); ok {
		f, err := parseFloat(text)
		if err != nil {
			return otherwise
		}
		return f
	}
	if u, ok := c.args[0].(*undefined); ok {
		u.fail()
	}
	if f, ok := numberOf(c.args[0]); ok {
		return f
	}
	return otherwise
}

func roundFilter(c *call) any {
	precision, way := c.whole(1, 0), c.text(2, "common")
	v := c.args[0]
	if way != "common" && way != "ceil" && way != "floor" {
		fail(argumentError, "method must be common, ceil or floor")
	}
	if way == "common" {
		f, ok := numberOf(v)
		if !ok {
			name := bareTypeName(v)
			if strings.HasPrefix(typeName(v), "datetime.") {
				name = typeName(v)
			}
			fail(typeError, "type %s doesn't define __round__ method", name)
		}
		if n, isWhole := bigOf(v); isWhole {
			return roundWhole(n, precision)
		}
		return roundFloat(f, precision)
	}
	unit := c.r.binary("**", int64(10), precision)
	f, ok := numberOf(c.r.binary("*", v, unit))
	if !ok {
		fail(typeError, "must be real number, not %s", typeName(v))
	}
	edge := math.Floor(f)
	if way == "ceil" {
		edge = math.Ceil(f)
	}
	return c.r.binary("/", small(wholeOf(edge)), unit)
}

// roundWhole rounds to tens and hundreds; half goes to the even neighbour.
func roundWhole(n *big.Int, precision int64) any {
	if precision >= 0 {
		return small(n)
	}
	if precision < -1000 {
		return int64(0)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(-precision), nil)
	quotient, rest := new(big.Int).DivMod(n, unit, new(big.Int))
	twice := new(big.Int).Lsh(rest, 1)
	if c := twice.Cmp(unit); c > 0 || c == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return small(quotient.Mul(quotient, unit))
}

func roundFloat(f float64, precision int64) float64 {
	if f-f != 0 || precision > 300 {
		return f
	}
	if precision >= 0 {
		out, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(precision), 64), 64)
		return out
	}
	if precision < -308 {
		return math.Copysign(0, f)
	}
	power := math.Pow(10, float64(-precision))
	return math.RoundToEven(f/power) * power
}

func fileSize(c *call) any {
	f := mustFloat(c.args[0])
	base, middle := 1000.0, ""
	if c.truth(1) {
		base, middle = 1024, "i"
	}
	switch {
	case f == 1:
		return "1 Byte"
	case f < base:
		return fmt.Sprintf("%d Bytes", wholeOf(f))
	}
	letters := "kMGTPEZY"
	if middle != "" {
		letters = "KMGTPEZY"
	}
	unit := base
	for i := range len(letters) {
		unit *= base
		if f < unit || i == len(letters)-1 {
			return fmt.Sprintf("%s %c%sB", strconv.FormatFloat(base*f/unit, 'f', 1, 64), letters[i], middle)
		}
	}
	return nil
}

// mustFloat is Python's float().
func mustFloat(v any) float64 {
	if text, ok := textOf(v); ok {
		f, err := parseFloat(text)
		if err != nil {
			fail(valueError, "could not convert string to float: %s", reprText(text))
		}
		return f
	}
	if u, ok := v.(*undefined); ok {
		u.fail()
	}
	f, ok := numberOf(v)
	if !ok {
		fail(typeError, "float() argument must be a string or a real number, not %s", reprText(typeName(v)))
	}
	return f
}
