package jsonschema

import (
	"cmp"
	"slices"
	"strings"
)

// Best picks the error that tells most: one near the top of the value, but of the
// branches of anyOf and oneOf a deep one. It is nil without errors.
func Best(found []*Error) *Error {
	if len(found) == 0 {
		return nil
	}
	best := found[0]
	for _, e := range found[1:] {
		if compare(e, best) > 0 {
			best = e
		}
	}
	for len(best.Context) > 0 {
		branches := slices.Clone(best.Context)
		slices.SortStableFunc(branches, compare)
		if len(branches) > 1 && compare(branches[0], branches[1]) == 0 {
			return best
		}
		inner := *branches[0]
		inner.Path = append(slices.Clone(best.Path), inner.Path...)
		best = &inner
	}
	return best
}

// compare orders errors by how much they tell, the least first.
func compare(a, b *Error) int {
	if c := cmp.Compare(len(b.Path), len(a.Path)); c != 0 {
		return c
	}
	if c := comparePaths(a.Path, b.Path); c != 0 {
		return c
	}
	if c := compareBools(!isWeak(a), !isWeak(b)); c != 0 {
		return c
	}
	return compareBools(!a.isTyped, !b.isTyped)
}

func isWeak(e *Error) bool { return e.Keyword == "anyOf" || e.Keyword == "oneOf" }

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func comparePaths(a, b []any) int {
	for i := range a {
		switch x := a[i].(type) {
		case int:
			if y, ok := b[i].(int); ok && x != y {
				return cmp.Compare(x, y)
			}
		case string:
			if y, ok := b[i].(string); ok && x != y {
				return strings.Compare(x, y)
			}
		}
	}
	return 0
}
