package contract

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// drawer makes values for schemas. The same seed makes the same values.
type drawer struct {
	*rand.Rand
	doc *Document
	// ids are the variables that hold ids, by the kind of object.
	ids map[string][]string
	// names are those of objects, by their kind; without them paths name those of the stage.
	names map[string][]string
	count int
}

func one[T any](d *drawer, list []T) T { return list[d.IntN(len(list))] }

// chance is true in percent of all cases.
func (d *drawer) chance(percent int) bool { return d.IntN(100) < percent }

// value draws one that the schema allows, as the member called name of the schema called
// owner.
func (d *drawer) value(s schema, owner, name string) any {
	ref, s := d.doc.resolve(s)
	if ref != "" {
		owner = ref
	}
	if special, ok := d.special(s, owner, name); ok {
		return special
	}
	if options := slices.Concat(s.list("anyOf"), s.list("oneOf")); len(options) > 0 {
		return d.option(options, owner, name)
	}
	if enum := s.list("enum"); len(enum) > 0 {
		return one(d, enum)
	}
	if fixed, ok := s["const"]; ok {
		return fixed
	}
	switch s.text("type") {
	case "object":
		return d.object(s, owner)
	case "array":
		return d.array(s, owner, name)
	case "string":
		return d.text(s, owner, name)
	case "integer":
		return d.integer(s)
	case "number":
		return one(d, []any{0.0, 1.5, 30, 3600.0})
	case "boolean":
		return d.chance(50)
	case "null":
		return nil
	}
	return one(d, []any{"v", 1, map[string]any{"k": "v"}, []any{1, "b"}, nil})
}

func (d *drawer) option(options []any, owner, name string) any {
	var rest []schema
	null := false
	for _, o := range options {
		s := schema(o.(map[string]any))
		null = null || s.text("type") == "null"
		if s.text("type") != "null" {
			rest = append(rest, s)
		}
	}
	if null && d.chance(12) {
		return nil
	}
	return d.value(one(d, rest), owner, name)
}

// object draws the required members and some of the others.
func (d *drawer) object(s schema, owner string) any {
	properties := s.sub("properties")
	if len(properties) == 0 {
		return one(d, []any{map[string]any{}, map[string]any{"k": "v"}, map[string]any{"k": "v", "l": "w"}})
	}
	share := 35
	if strings.Contains(owner, "Filter") || strings.HasPrefix(owner, "Body_") {
		share = 22
	}
	required := s.list("required")
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) || d.chance(share) {
			out[name] = d.value(properties[name].(map[string]any), owner, name)
		}
	}
	return out
}

func (d *drawer) array(s schema, owner, name string) any {
	items := s.sub("items")
	out := []any{}
	for range one(d, []int{0, 1, 1, 2}) {
		if items == nil {
			items = schema{}
		}
		out = append(out, d.value(items, owner, name))
	}
	return out
}

func (d *drawer) integer(s schema) any {
	low, high := 0, 5
	if n, ok := s["minimum"].(float64); ok {
		low = int(n)
	}
	if n, ok := s["exclusiveMinimum"].(float64); ok {
		low = int(n) + 1
	}
	if n, ok := s["maximum"].(float64); ok {
		return one(d, []any{low, int(n), low + 1})
	}
	return low + d.IntN(high)
}

// instants are far from any clock, so that answers repeat them as they are.
var instants = []any{
	"2020-01-01T00:00:00Z", "2021-06-01T12:30:00.123456Z", "2021-06-01T12:30:00+02:00",
	"2021-07-01 08:00:00", "2022-02-03", 1600000000, 1612345678.5, "2090-01-01T00:00:00Z", "2091-05-06T07:08:09.100Z",
}

func (d *drawer) text(s schema, owner, name string) any {
	switch s.text("format") {
	case "uuid":
		return d.id(owner, name)
	case "date-time":
		return one(d, instants)
	}
	if name == "name" || name == "key" || name == "slug" {
		return d.fresh(name)
	}
	return one(d, []any{"a", "b", "x", "Some text", "ünïcödé ☃", "1", "a-b"})
}

// fresh is a name that nothing has yet, mostly.
func (d *drawer) fresh(kind string) string {
	if d.chance(8) {
		return one(d, []string{"g-" + kind, "with space", "UPPER", "a.b_c"})
	}
	d.count++
	return fmt.Sprintf("n%d", d.count)
}

const unknownID = "11111111-2222-4333-8444-555555555555"

// id draws an id of the kind that the member is about, or one of nothing.
func (d *drawer) id(owner, name string) string {
	known := d.ids[kindOf(owner, name)]
	if d.names != nil && len(known) > 0 && !d.chance(5) {
		return "$" + d.recent(known)
	}
	if len(known) == 0 || d.chance(15) {
		return unknownID
	}
	return "$" + one(d, known)
}

// broken changes something in a value that was drawn: its type, its size, what it has.
func (d *drawer) broken(v any) any {
	var places []func(func(any) any)
	root := v
	places = append(places, func(change func(any) any) { root = change(root) })
	walk(v, &places)
	for range one(d, []int{1, 1, 1, 2, 3}) {
		one(d, places)(d.change)
	}
	return root
}

// walk lists the places below v.
func walk(v any, places *[]func(func(any) any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			*places = append(*places, func(change func(any) any) { v[name] = change(v[name]) })
			walk(v[name], places)
		}
	case []any:
		for i := range v {
			*places = append(*places, func(change func(any) any) { v[i] = change(v[i]) })
			walk(v[i], places)
		}
	}
}

func (d *drawer) change(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if d.chance(70) {
			return d.changeObject(v)
		}
	case string:
		if d.chance(40) {
			return d.changeText(v)
		}
	}
	return one(d, []any{
		nil, true, 0, -1, 1, 1.5, 2.0, 201, 1e20, "", "x", "5", " 7 ", "true", "2021-13-45", "not-a-uuid", "a/b%c&d>e<f",
		[]any{}, []any{"x"}, []any{nil}, map[string]any{}, map[string]any{"x": 1},
	})
}

// changeObject takes a member away or adds one that nobody knows.
func (d *drawer) changeObject(v map[string]any) any {
	names := slices.Sorted(maps.Keys(v))
	if len(names) > 0 && d.chance(50) {
		delete(v, one(d, names))
		return v
	}
	v[one(d, []string{"bogus", "id", "x y", "__prefect_kind"})] = one(d, []any{1, "bogus", nil})
	return v
}

func (d *drawer) changeText(v string) any {
	return one(d, []any{v + "/", v + "%", strings.Repeat("long ", 500), strings.ToUpper(v), " " + v, v + "\x01"})
}
