package jsonschema

import "strconv"

// whole is the value of a keyword that counts.
func whole(v any) int {
	n, ok := v.(Number)
	if !ok || !n.rat().IsInt() {
		return 0
	}
	i, err := strconv.Atoi(n.rat().Num().String())
	if err != nil {
		return 0
	}
	return i
}

func checkItems(r *run, want, v any, schema *Object) (found []*Error) {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	prefix, _ := schema.values["prefixItems"].([]any)
	if want == false && len(list) > len(prefix) {
		return refuseItems(list, prefix)
	}
	for i := len(prefix); i < len(list); i++ {
		found = append(found, r.below(want, list[i], i)...)
	}
	return found
}

func refuseItems(list, prefix []any) []*Error {
	rest := list[len(prefix):]
	extra := Repr(rest)
	if len(rest) == 1 {
		extra = Repr(rest[0])
	}
	verb := map[bool]string{true: "item", false: "items"}[len(prefix) == 1]
	return wrong("Expected at most " + strconv.Itoa(len(prefix)) + " " + verb + " but found " + strconv.Itoa(len(rest)) + " extra: " + extra)
}

func checkPrefixItems(r *run, want, v any, _ *Object) (found []*Error) {
	schemas, _ := want.([]any)
	list, _ := v.([]any)
	for i := range min(len(schemas), len(list)) {
		found = append(found, r.below(schemas[i], list[i], i)...)
	}
	return found
}

func checkContains(r *run, want, v any, schema *Object) []*Error {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	least, most := 1, len(list)
	if n, ok := schema.Get("minContains"); ok {
		least = whole(n)
	}
	if n, ok := schema.Get("maxContains"); ok {
		most = whole(n)
	}
	matches := 0
	for _, item := range list {
		if r.isValid(want, item) {
			matches++
		}
	}
	switch {
	case matches > most:
		return []*Error{{Keyword: "maxContains", Message: "Too many items match the given schema (expected at most " + strconv.Itoa(most) + ")"}}
	case matches >= least:
		return nil
	case matches == 0:
		return wrong(Repr(v) + " does not contain items matching the given schema")
	}
	return []*Error{{Keyword: "minContains", Message: "Too few items match the given schema (expected at least " +
		strconv.Itoa(least) + " but only " + strconv.Itoa(matches) + " matched)"}}
}

func checkMinItems(_ *run, want, v any, _ *Object) []*Error {
	list, ok := v.([]any)
	if !ok || len(list) >= whole(want) {
		return nil
	}
	return wrong(Repr(v) + tooShort(whole(want)))
}

func tooShort(least int) string {
	if least == 1 {
		return " should be non-empty"
	}
	return " is too short"
}

func checkMaxItems(_ *run, want, v any, _ *Object) []*Error {
	list, ok := v.([]any)
	if !ok || len(list) <= whole(want) {
		return nil
	}
	return wrong(Repr(v) + tooLong(whole(want)))
}

func tooLong(most int) string {
	if most == 0 {
		return " is expected to be empty"
	}
	return " is too long"
}

func checkUniqueItems(_ *run, want, v any, _ *Object) []*Error {
	list, ok := v.([]any)
	if !ok || want != true {
		return nil
	}
	for i := range list {
		for j := range i {
			if equal(list[i], list[j]) {
				return wrong(Repr(v) + " has non-unique elements")
			}
		}
	}
	return nil
}
