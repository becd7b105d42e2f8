package jsonschema

import (
	"math/big"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

func checkMinLength(_ *run, want, v any, _ *Object) []*Error {
	text, ok := v.(string)
	if !ok || utf8.RuneCountInString(text) >= whole(want) {
		return nil
	}
	return wrong(Repr(v) + tooShort(whole(want)))
}

func checkMaxLength(_ *run, want, v any, _ *Object) []*Error {
	text, ok := v.(string)
	if !ok || utf8.RuneCountInString(text) <= whole(want) {
		return nil
	}
	return wrong(Repr(v) + tooLong(whole(want)))
}

func checkPattern(_ *run, want, v any, _ *Object) []*Error {
	text, ok := v.(string)
	pattern, okToo := want.(string)
	if !ok || !okToo {
		return nil
	}
	if match := matcher(pattern); match == nil || match.MatchString(text) {
		return nil
	}
	return wrong(Repr(v) + " does not match " + Repr(want))
}

func checkFormat(r *run, want, v any, _ *Object) []*Error {
	text, ok := v.(string)
	name, okToo := want.(string)
	if !r.schema.Formats || !ok || !okToo || hasFormat(text, name) {
		return nil
	}
	return wrong(Repr(v) + " is not a " + Repr(want))
}

// hasFormat knows the formats that the reference checks without further libraries.
func hasFormat(text, format string) bool {
	switch format {
	case "uuid":
		return len(text) == 36 && uuid.Validate(text) == nil
	case "email", "idn-email":
		return strings.Contains(text, "@")
	case "date":
		_, err := time.Parse("2006-01-02", text)
		return err == nil
	case "ipv4":
		at, err := netip.ParseAddr(text)
		return err == nil && at.Is4()
	case "ipv6":
		at, err := netip.ParseAddr(text)
		return err == nil && at.Is6() && at.Zone() == ""
	case "regex":
		return matcher(text) != nil || strings.Contains(text, "(?")
	}
	return true
}

// compareTo compares two numbers; ok is false when they are none.
func compareTo(v, want any) (order int, ok bool) {
	a, isNumber := v.(Number)
	b, isToo := want.(Number)
	if !isNumber || !isToo {
		return 0, false
	}
	return a.rat().Cmp(b.rat()), true
}

func checkMinimum(_ *run, want, v any, _ *Object) []*Error {
	if order, ok := compareTo(v, want); !ok || order >= 0 {
		return nil
	}
	return wrong(Repr(v) + " is less than the minimum of " + Repr(want))
}

func checkMaximum(_ *run, want, v any, _ *Object) []*Error {
	if order, ok := compareTo(v, want); !ok || order <= 0 {
		return nil
	}
	return wrong(Repr(v) + " is greater than the maximum of " + Repr(want))
}

func checkAbove(_ *run, want, v any, _ *Object) []*Error {
	if order, ok := compareTo(v, want); !ok || order > 0 {
		return nil
	}
	return wrong(Repr(v) + " is less than or equal to the minimum of " + Repr(want))
}

func checkBelow(_ *run, want, v any, _ *Object) []*Error {
	if order, ok := compareTo(v, want); !ok || order < 0 {
		return nil
	}
	return wrong(Repr(v) + " is greater than or equal to the maximum of " + Repr(want))
}

func checkMultipleOf(_ *run, want, v any, _ *Object) []*Error {
	n, ok := v.(Number)
	of, okToo := want.(Number)
	if !ok || !okToo || of.rat().Sign() == 0 || new(big.Rat).Quo(n.rat(), of.rat()).IsInt() {
		return nil
	}
	return wrong(Repr(v) + " is not a multiple of " + Repr(want))
}
