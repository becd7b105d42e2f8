package jsonschema

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Error is one thing wrong with a value.
type Error struct {
	Path    []any  // names and indexes that lead to the value; in a Context, from the value around it
	Keyword string // of the schema, that the value breaks
	Message string
	Context []*Error // why each branch of anyOf or oneOf refused the value
	isTyped bool     // the value has the type that the schema names
}

// ErrCircular is the error of a schema that refers to itself without an end.
var ErrCircular = errors.New("the schema refers to itself without an end")

// UnresolvedError is the error of a reference that leads nowhere.
type UnresolvedError struct{ Ref string }

// Error names the reference.
func (e *UnresolvedError) Error() string { return "Unresolvable: " + e.Ref }

// Schema is a schema to check values against.
type Schema struct {
	Root    any  // from Parse
	Formats bool // formats are checked too
}

// maxDepth is how deep a value and the references of its schema may nest.
const maxDepth = 400

// run is one check of a value.
type run struct {
	schema *Schema
	depth  int
	failed error
}

// Errors returns all that is wrong with v.
func (s *Schema) Errors(v any) ([]*Error, error) {
	r := &run{schema: s}
	found := r.check(s.Root, v)
	return found, r.failed
}

// check returns what is wrong with v, without a path.
func (r *run) check(schema, v any) []*Error {
	if r.failed != nil {
		return nil
	}
	if r.depth++; r.depth > maxDepth {
		r.failed = ErrCircular
		return nil
	}
	defer func() { r.depth-- }()
	switch schema := schema.(type) {
	case bool:
		if !schema {
			return []*Error{{Message: "False schema does not allow " + Repr(v)}}
		}
	case *Object:
		return r.checkObject(schema, v)
	}
	return nil
}

func (r *run) checkObject(schema *Object, v any) []*Error {
	var found []*Error
	for _, name := range schema.names {
		keyword := keywordOf(name)
		if keyword == nil {
			continue
		}
		for _, e := range keyword(r, schema.values[name], v, schema) {
			if e.Keyword == "" {
				e.Keyword, e.isTyped = name, hasType(schema, v)
			}
			found = append(found, e)
		}
	}
	return found
}

// hasType says that the schema names a type and v has it.
func hasType(schema *Object, v any) bool {
	want, ok := schema.Get("type")
	if !ok {
		return false
	}
	for _, t := range listOf(want) {
		if name, ok := t.(string); ok && isType(v, name) {
			return true
		}
	}
	return false
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// below checks a part of a value, which step leads to.
func (r *run) below(schema, v, step any) []*Error {
	found := r.check(schema, v)
	for _, e := range found {
		e.Path = append([]any{step}, e.Path...)
	}
	return found
}

func (r *run) isValid(schema, v any) bool { return len(r.check(schema, v)) == 0 }

// resolve finds what a reference of the schema means.
func (r *run) resolve(ref string) any {
	target, ok := r.schema.Root, ref == "#"
	switch {
	case strings.HasPrefix(ref, "#/"):
		target, ok = pointer(r.schema.Root, ref[2:])
	case strings.HasPrefix(ref, "#"):
		if !ok {
			target, ok = find(r.schema.Root, "$anchor", ref[1:])
		}
	default:
		base, fragment, _ := strings.Cut(ref, "#")
		if target, ok = find(r.schema.Root, "$id", base); ok && strings.HasPrefix(fragment, "/") {
			target, ok = pointer(target, fragment[1:])
		}
	}
	if !ok && r.failed == nil {
		r.failed = &UnresolvedError{ref}
	}
	return target
}

func pointer(v any, path string) (any, bool) {
	for step := range strings.SplitSeq(path, "/") {
		if plain, err := url.PathUnescape(step); err == nil {
			step = plain
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch at := v.(type) {
		case *Object:
			next, ok := at.Get(step)
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// find returns the first subschema whose keyword has that text.
func find(v any, keyword, text string) (any, bool) {
	switch v := v.(type) {
	case *Object:
		if v.values[keyword] == text {
			return v, true
		}
		for _, name := range v.names {
			if hit, ok := find(v.values[name], keyword, text); ok {
				return hit, true
			}
		}
	case []any:
		for _, item := range v {
			if hit, ok := find(item, keyword, text); ok {
				return hit, true
			}
		}
	}
	return nil, false
}

// JSONPath writes the path of an error as the reference does: $.a[0].b, or $ alone.
func (e *Error) JSONPath() string {
	var b strings.Builder
	b.WriteByte('$')
	for _, step := range e.Path {
		if i, ok := step.(int); ok {
			fmt.Fprintf(&b, "[%d]", i)
			continue
		}
		name, _ := step.(string)
		if isName(name) {
			b.WriteString("." + name)
			continue
		}
		b.WriteString("['" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(name) + "']")
	}
	return b.String()
}

// isName says that a member can follow a dot in a path.
func isName(s string) bool {
	for i, r := range s {
		isLetter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !isLetter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
