package jsonschema

import (
	"regexp"
	"slices"
	"strings"
)

func checkProperties(r *run, want, v any, _ *Object) (found []*Error) {
	properties, object := both(want, v)
	if object == nil {
		return nil
	}
	for _, name := range properties.names {
		if member, ok := object.Get(name); ok {
			found = append(found, r.below(properties.values[name], member, name)...)
		}
	}
	return found
}

// both returns two objects; the second is nil unless both are some.
func both(want, v any) (*Object, *Object) {
	a, ok := want.(*Object)
	b, okToo := v.(*Object)
	if !ok || !okToo {
		return nil, nil
	}
	return a, b
}

func checkPatternProperties(r *run, want, v any, _ *Object) (found []*Error) {
	patterns, object := both(want, v)
	if object == nil {
		return nil
	}
	for _, pattern := range patterns.names {
		match := matcher(pattern)
		for _, name := range object.names {
			if match != nil && match.MatchString(name) {
				found = append(found, r.below(patterns.values[pattern], object.values[name], name)...)
			}
		}
	}
	return found
}

// matcher compiles a pattern; nil when Go can't express it.
func matcher(pattern string) *regexp.Regexp {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil
	}
	return re
}

func checkAdditional(r *run, want, v any, schema *Object) (found []*Error) {
	object, ok := v.(*Object)
	if !ok {
		return nil
	}
	extras := extraNames(object, schema)
	if want == false {
		return refuseExtras(extras, schema)
	}
	for _, name := range extras {
		found = append(found, r.below(want, object.values[name], name)...)
	}
	return found
}

// extraNames are the members that the schema's other keywords do not know.
func extraNames(object, schema *Object) (extras []string) {
	properties, patterns := schema.object("properties"), schema.object("patternProperties")
	for _, name := range object.names {
		if properties != nil {
			if _, known := properties.Get(name); known {
				continue
			}
		}
		if patterns != nil && slices.ContainsFunc(patterns.names, func(p string) bool {
			match := matcher(p)
			return match != nil && match.MatchString(name)
		}) {
			continue
		}
		extras = append(extras, name)
	}
	return extras
}

func refuseExtras(extras []string, schema *Object) []*Error {
	if len(extras) == 0 {
		return nil
	}
	slices.Sort(extras)
	names := make([]string, len(extras))
	for i, name := range extras {
		names[i] = Repr(name)
	}
	if patterns := schema.object("patternProperties"); patterns != nil && len(patterns.names) > 0 {
		verb := map[bool]string{true: "does", false: "do"}[len(names) == 1]
		known := make([]string, 0, len(patterns.names))
		for _, p := range slices.Sorted(slices.Values(patterns.names)) {
			known = append(known, Repr(p))
		}
		return wrong(strings.Join(names, ", ") + " " + verb + " not match any of the regexes: " + strings.Join(known, ", "))
	}
	verb := map[bool]string{true: "was", false: "were"}[len(names) == 1]
	return wrong("Additional properties are not allowed (" + strings.Join(names, ", ") + " " + verb + " unexpected)")
}

func checkPropertyNames(r *run, want, v any, _ *Object) (found []*Error) {
	object, ok := v.(*Object)
	if !ok {
		return nil
	}
	for _, name := range object.names {
		found = append(found, r.check(want, name)...)
	}
	return found
}

func checkRequired(_ *run, want, v any, _ *Object) (found []*Error) {
	list, _ := want.([]any)
	object, ok := v.(*Object)
	if !ok {
		return nil
	}
	for _, item := range list {
		name, _ := item.(string)
		if _, have := object.Get(name); !have {
			found = append(found, wrong(Repr(item)+" is a required property")...)
		}
	}
	return found
}

func checkMinProperties(_ *run, want, v any, _ *Object) []*Error {
	object, ok := v.(*Object)
	if !ok || len(object.names) >= whole(want) {
		return nil
	}
	if whole(want) == 1 {
		return wrong(Repr(v) + " should be non-empty")
	}
	return wrong(Repr(v) + " does not have enough properties")
}

func checkMaxProperties(_ *run, want, v any, _ *Object) []*Error {
	object, ok := v.(*Object)
	if !ok || len(object.names) <= whole(want) {
		return nil
	}
	if whole(want) == 0 {
		return wrong(Repr(v) + " is expected to be empty")
	}
	return wrong(Repr(v) + " has too many properties")
}

func checkDependentRequired(_ *run, want, v any, _ *Object) (found []*Error) {
	dependencies, object := both(want, v)
	if object == nil {
		return nil
	}
	for _, name := range dependencies.names {
		list, _ := dependencies.values[name].([]any)
		if _, have := object.Get(name); !have {
			continue
		}
		for _, item := range list {
			other, _ := item.(string)
			if _, have := object.Get(other); !have {
				found = append(found, wrong(Repr(item)+" is a dependency of "+Repr(name))...)
			}
		}
	}
	return found
}

func checkDependentSchemas(r *run, want, v any, _ *Object) (found []*Error) {
	dependencies, object := both(want, v)
	if object == nil {
		return nil
	}
	for _, name := range dependencies.names {
		if _, have := object.Get(name); have {
			found = append(found, r.check(dependencies.values[name], v)...)
		}
	}
	return found
}
