// Package jinja renders templates in the dialect that the reference's automations and
// parameters speak: Jinja2 in its immutable sandbox, with undefined values that may be
// looked into, Python's methods and words, and the humanize filters.
//
// Values are Go's: nil, bool, int64, *big.Int, float64, string, []any, *Dict, time.Time,
// Duration, and Object for what has members of its own. Nothing outside of the variables
// can be reached, and what a template may cost is bounded.
package jinja
