package jinja

import (
	"math"
	"math/big"
	"strings"
)

// maxBits bounds whole numbers.
const maxBits = 1 << 15

func bigOf(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewInt(1), true
		}
		return new(big.Int), true
	case int64:
		return big.NewInt(v), true
	case *big.Int:
		return v, true
	}
	return nil, false
}

// intOf is a whole number that fits.
func intOf(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func floatOf(v any) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	n, ok := bigOf(v)
	if !ok {
		return 0, false
	}
	f, _ := new(big.Float).SetInt(n).Float64()
	if math.IsInf(f, 0) {
		fail(overflowError, "int too large to convert to float")
	}
	return f, true
}

// binary is an operator between two values.
func (r *run) binary(op string, a, b any) any {
	if text, ok := textOf(a); ok && op == "%" {
		_, safe := a.(markup)
		return like(a, r.percent(text, b, safe))
	}
	for _, v := range []any{a, b} {
		if u, ok := v.(*undefined); ok {
			u.fail()
		}
	}
	if x, ok := bigOf(a); ok {
		if y, ok := bigOf(b); ok {
			return wholeOp(op, x, y)
		}
	}
	if x, ok := numberOf(a); ok {
		if y, ok := numberOf(b); ok {
			return floatOp(op, x, y)
		}
	}
	if out, ok := r.textOp(op, a, b); ok {
		return out
	}
	if out, ok := momentOp(op, a, b); ok {
		return out
	}
	shown := op
	if op == "**" {
		shown = "** or pow()"
	}
	if _, isText := textOf(a); isText && op == "+" && typeName(a) == "str" {
		fail(typeError, `can only concatenate str (not "%s") to str`, typeName(b))
	}
	if _, isList := a.([]any); isList && op == "+" {
		fail(typeError, `can only concatenate list (not "%s") to list`, typeName(b))
	}
	if _, isTuple := a.(tuple); isTuple && op == "+" {
		fail(typeError, `can only concatenate tuple (not "%s") to tuple`, typeName(b))
	}
	if sequence := isSequence(a); op == "*" && (sequence || isSequence(b)) {
		other := b
		if !sequence {
			other = a
		}
		if typeName(a) == "Markup" || typeName(b) == "Markup" {
			if typeName(a) == "Markup" {
				a = b
			}
			fail(typeError, "%s object cannot be interpreted as an integer", reprText(typeName(a)))
		}
		fail(typeError, "can't multiply sequence by non-int of type %s", reprText(typeName(other)))
	}
	fail(typeError, "unsupported operand type(s) for %s: %s and %s", shown, reprText(typeName(a)), reprText(typeName(b)))
	return nil
}

func isSequence(v any) bool {
	switch v.(type) {
	case string, markup, []any, tuple:
		return true
	}
	return false
}

func numberOf(v any) (float64, bool) {
	switch v.(type) {
	case bool, int64, *big.Int, float64:
		return floatOf(v)
	}
	return 0, false
}

func wholeOp(op string, a, b *big.Int) any {
	out := new(big.Int)
	switch op {
	case "+":
		out.Add(a, b)
	case "-":
		out.Sub(a, b)
	case "*":
		out.Mul(a, b)
	case "/":
		if b.Sign() == 0 {
			fail("ZeroDivisionError", "division by zero")
		}
		f, _ := new(big.Rat).SetFrac(a, b).Float64()
		if f == 0 && b.Sign() < 0 {
			return math.Copysign(0, -1)
		}
		return f
	case "//", "%":
		if b.Sign() == 0 {
			fail("ZeroDivisionError", "%s", map[string]string{"//": "integer division or modulo by zero", "%": "integer modulo by zero"}[op])
		}
		quotient, rest := new(big.Int).QuoRem(a, b, new(big.Int))
		if rest.Sign() != 0 && rest.Sign() != b.Sign() {
			quotient.Sub(quotient, big.NewInt(1))
			rest.Add(rest, b)
		}
		if out = quotient; op == "%" {
			out = rest
		}
	case "**":
		return wholePower(a, b)
	}
	if out.BitLen() > maxBits {
		fail(overflowError, "the number is too large")
	}
	return small(out)
}

func wholePower(a, b *big.Int) any {
	if b.Sign() < 0 {
		x, _ := floatOf(a)
		y, _ := floatOf(b)
		return floatOp("**", x, y)
	}
	if a.BitLen() > 1 && (!b.IsInt64() || b.Int64()*int64(a.BitLen()-1) > maxBits) {
		fail(overflowError, "the number is too large")
	}
	return small(new(big.Int).Exp(a, b, nil))
}

func floatOp(op string, a, b float64) any {
	if b == 0 && (op == "/" || op == "//" || op == "%") {
		fail("ZeroDivisionError", "%s", map[string]string{"/": "float division by zero", "//": "float floor division by zero", "%": "float modulo"}[op])
	}
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "**":
		return floatPower(a, b)
	}
	quotient, rest := floatDivMod(a, b)
	if op == "//" {
		return quotient
	}
	return rest
}

func floatPower(a, b float64) any {
	if a == 0 && b < 0 {
		fail("ZeroDivisionError", "0.0 cannot be raised to a negative power")
	}
	out := power(a, b)
	switch {
	case math.IsInf(out, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0):
		fail(overflowError, "(34, 'Numerical result out of range')")
	case math.IsNaN(out) && !math.IsNaN(a) && !math.IsNaN(b):
		fail(valueError, "complex numbers are not supported")
	}
	return out
}

// power is exact to the last digit where the exponent is a small whole number.
func power(a, b float64) float64 {
	if b != math.Trunc(b) || math.Abs(b) > 64 || a-a != 0 {
		return math.Pow(a, b)
	}
	product := new(big.Float).SetPrec(4000).SetInt64(1)
	for range int(math.Abs(b)) {
		product.Mul(product, new(big.Float).SetFloat64(a))
	}
	if b < 0 {
		product.Quo(big.NewFloat(1), product)
	}
	out, _ := product.Float64()
	return out
}

func floatDivMod(a, b float64) (quotient, rest float64) {
	rest = math.Mod(a, b)
	quotient = (a - rest) / b
	if rest != 0 && (rest < 0) != (b < 0) {
		rest += b
		quotient--
	} else if rest == 0 {
		rest = math.Copysign(0, b)
	}
	if quotient != 0 {
		floor := math.Floor(quotient)
		if quotient-floor > 0.5 {
			floor++
		}
		return floor, rest
	}
	return math.Copysign(0, a/b), rest
}

// textOp is an operator on texts and lists.
func (r *run) textOp(op string, a, b any) (any, bool) {
	switch op {
	case "+":
		return r.join(a, b)
	case "*":
		if n, ok := intOf(a); ok && isSequence(b) {
			return r.repeat(b, n), true
		}
		if n, ok := intOf(b); ok && isSequence(a) {
			return r.repeat(a, n), true
		}
	}
	return nil, false
}

// like makes a text of the kind that v is.
func like(v any, text string) any {
	if _, safe := v.(markup); safe {
		return markup(text)
	}
	return text
}

func (r *run) join(a, b any) (any, bool) {
	x, xIsText := textOf(a)
	y, yIsText := textOf(b)
	if xIsText && yIsText {
		r.pay(len(x) + len(y))
		_, xSafe := a.(markup)
		_, ySafe := b.(markup)
		if xSafe || ySafe {
			return escape(a) + escape(b), true
		}
		return x + y, true
	}
	switch a := a.(type) {
	case []any:
		if b, ok := b.([]any); ok {
			r.pay(16 * (len(a) + len(b)))
			return append(append(make([]any, 0, len(a)+len(b)), a...), b...), true
		}
	case tuple:
		if b, ok := b.(tuple); ok {
			r.pay(16 * (len(a) + len(b)))
			return append(append(make(tuple, 0, len(a)+len(b)), a...), b...), true
		}
	}
	return nil, false
}

func (r *run) repeat(v any, n int64) any {
	n = max(n, 0)
	if text, ok := textOf(v); ok {
		r.payTimes(len(text), n)
		return like(v, strings.Repeat(text, int(n)))
	}
	items, _ := iterate(v)
	r.payTimes(16*len(items), n)
	out := make([]any, 0, int64(len(items))*n)
	for range n {
		out = append(out, items...)
	}
	if _, isTuple := v.(tuple); isTuple {
		return tuple(out)
	}
	return out
}
