// Package jsonschema checks JSON against schemas of draft 2020-12 and words what is wrong
// as Python's jsonschema library does, whose texts users of the reference know and tests
// compare. It is pure, compiles nothing and costs nothing until it is used.
//
// Schemas refer only to themselves; nothing is fetched. The keywords unevaluatedItems and
// unevaluatedProperties are not looked at, and neither is a pattern that Go's regular
// expressions can't express.
package jsonschema
