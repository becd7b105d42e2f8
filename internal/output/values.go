package output

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Text is a text that may be missing.
func Text[S ~string](s *S) string {
	if s == nil {
		return ""
	}
	return string(*s)
}

// Number is a number that may be missing.
func Number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// Stamp is a time in full, as programs want it; it may be missing.
func Stamp(t *api.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// TimePtr is Time for a time that may be missing.
func TimePtr(now time.Time, t *api.Time) string {
	if t == nil {
		return ""
	}
	return Time(now, t.Time)
}

// Compact is JSON on one line, "" for null, {} and [].
func Compact(v jsontext.Value) string {
	v = v.Clone()
	if err := v.Compact(); err != nil {
		return string(v)
	}
	switch text := string(v); text {
	case "null", "{}", "[]":
		return ""
	default:
		return text
	}
}

// Pretty is JSON for a person: indented where it has parts, "" for null, {} and [].
func Pretty(v jsontext.Value) string {
	if Compact(v) == "" {
		return ""
	}
	v = v.Clone()
	if err := v.Indent(jsontext.WithIndent("  ")); err != nil {
		return string(v)
	}
	return string(v)
}
