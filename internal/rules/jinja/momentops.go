package jinja

import (
	"math"
	"math/big"
	"time"
)

func momentOp(op string, a, b any) (any, bool) {
	if x, ok := a.(Duration); ok {
		return spanOp(op, x, b)
	}
	if y, ok := b.(Duration); ok {
		switch {
		case op == "*":
			return spanOp(op, y, a)
		case op == "-":
			return shift(a, -y)
		case op == "+":
			return shift(a, y)
		}
		return nil, false
	}
	x, xAware := momentOf(a)
	y, yAware := momentOf(b)
	if op != "-" || !isMoment(a) || !isMoment(b) || typeName(a) != typeName(b) {
		return nil, false
	}
	if xAware != yAware {
		fail(typeError, "can't subtract offset-naive and offset-aware datetimes")
	}
	return Duration(x.UnixMicro() - y.UnixMicro()), true
}

func isMoment(v any) bool {
	switch v.(type) {
	case time.Time, naive, date:
		return true
	}
	return false
}

func shift(v any, by Duration) (any, bool) {
	add := func(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro() + int64(by)).In(t.Location()) }
	switch v := v.(type) {
	case time.Time:
		return add(v), true
	case naive:
		return naive{add(v.Time)}, true
	case date:
		days, _, _ := by.parts()
		return date{v.AddDate(0, 0, int(days))}, true
	}
	return nil, false
}

func spanOp(op string, a Duration, other any) (any, bool) {
	if b, ok := other.(Duration); ok {
		switch op {
		case "+":
			return a + b, true
		case "-":
			return a - b, true
		case "/", "//", "%":
			if b == 0 {
				fail("ZeroDivisionError", "division by zero")
			}
		}
		switch op {
		case "/":
			return float64(a) / float64(b), true
		case "//":
			return wholeOp("//", big.NewInt(int64(a)), big.NewInt(int64(b))), true
		case "%":
			return Duration(wholeOp("%", big.NewInt(int64(a)), big.NewInt(int64(b))).(int64)), true
		}
		return nil, false
	}
	if op == "+" && isMoment(other) {
		return shift(other, a)
	}
	f, ok := numberOf(other)
	switch {
	case !ok:
	case op == "*":
		return Duration(math.RoundToEven(float64(a) * f)), true
	case op == "/" && f != 0:
		return Duration(math.RoundToEven(float64(a) / f)), true
	case op == "//" && f != 0:
		return Duration(math.Floor(float64(a) / f)), true
	}
	return nil, false
}
