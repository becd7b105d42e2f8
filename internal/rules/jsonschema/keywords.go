package jsonschema

import (
	"slices"
	"strings"
)

// keyword checks v against the value of one keyword of a schema.
type keyword func(r *run, want, v any, schema *Object) []*Error

// keywordOf returns what a word of a schema checks; nil when it says nothing about a value.
func keywordOf(word string) keyword {
	switch word {
	case "$ref", "$dynamicRef":
		return checkRef
	case "type":
		return checkType
	case "enum":
		return checkEnum
	case "const":
		return checkConst
	case "allOf":
		return checkAllOf
	case "anyOf":
		return checkAnyOf
	case "oneOf":
		return checkOneOf
	case "not":
		return checkNot
	case "if":
		return checkIf
	}
	return objectKeyword(word)
}

// objectKeyword is keywordOf for the words about objects; the next two are for lists, texts and numbers.
func objectKeyword(word string) keyword {
	switch word {
	case "properties":
		return checkProperties
	case "patternProperties":
		return checkPatternProperties
	case "additionalProperties":
		return checkAdditional
	case "propertyNames":
		return checkPropertyNames
	case "required":
		return checkRequired
	case "minProperties":
		return checkMinProperties
	case "maxProperties":
		return checkMaxProperties
	case "dependentRequired":
		return checkDependentRequired
	case "dependentSchemas":
		return checkDependentSchemas
	}
	return listKeyword(word)
}

func listKeyword(word string) keyword {
	switch word {
	case "items":
		return checkItems
	case "prefixItems":
		return checkPrefixItems
	case "contains":
		return checkContains
	case "minItems":
		return checkMinItems
	case "maxItems":
		return checkMaxItems
	case "uniqueItems":
		return checkUniqueItems
	}
	return scalarKeyword(word)
}

func scalarKeyword(word string) keyword {
	switch word {
	case "minLength":
		return checkMinLength
	case "maxLength":
		return checkMaxLength
	case "pattern":
		return checkPattern
	case "format":
		return checkFormat
	case "minimum":
		return checkMinimum
	case "maximum":
		return checkMaximum
	case "exclusiveMinimum":
		return checkAbove
	case "exclusiveMaximum":
		return checkBelow
	case "multipleOf":
		return checkMultipleOf
	}
	return nil
}

func wrong(message string) []*Error { return []*Error{{Message: message}} }

func checkRef(r *run, want, v any, _ *Object) []*Error {
	ref, ok := want.(string)
	if !ok {
		return nil
	}
	return r.check(r.resolve(ref), v)
}

func isType(v any, name string) bool {
	switch name {
	case "null":
		return v == nil
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "string":
		_, ok := v.(string)
		return ok
	case "array":
		_, ok := v.([]any)
		return ok
	case "object":
		_, ok := v.(*Object)
		return ok
	case "number":
		_, ok := v.(Number)
		return ok
	case "integer":
		n, ok := v.(Number)
		return ok && n.rat().IsInt()
	}
	return false
}

func checkType(_ *run, want, v any, _ *Object) []*Error {
	var reprs []string
	for _, t := range listOf(want) {
		name, ok := t.(string)
		if ok && isType(v, name) {
			return nil
		}
		reprs = append(reprs, Repr(t))
	}
	return wrong(Repr(v) + " is not of type " + strings.Join(reprs, ", "))
}

func checkEnum(_ *run, want, v any, _ *Object) []*Error {
	list, ok := want.([]any)
	if !ok || slices.ContainsFunc(list, func(w any) bool { return equal(w, v) }) {
		return nil
	}
	return wrong(Repr(v) + " is not one of " + Repr(want))
}

func checkConst(_ *run, want, v any, _ *Object) []*Error {
	if equal(want, v) {
		return nil
	}
	return wrong(Repr(want) + " was expected")
}

func checkAllOf(r *run, want, v any, _ *Object) (found []*Error) {
	list, _ := want.([]any)
	for _, schema := range list {
		found = append(found, r.check(schema, v)...)
	}
	return found
}

func checkAnyOf(r *run, want, v any, _ *Object) []*Error {
	list, _ := want.([]any)
	var context []*Error
	for _, schema := range list {
		found := r.check(schema, v)
		if len(found) == 0 {
			return nil
		}
		context = append(context, found...)
	}
	return []*Error{{Message: Repr(v) + " is not valid under any of the given schemas", Context: context}}
}

func checkOneOf(r *run, want, v any, _ *Object) []*Error {
	list, _ := want.([]any)
	var context []*Error
	var valid []string
	for _, schema := range list {
		found := r.check(schema, v)
		if len(found) == 0 {
			valid = append(valid, Repr(schema))
		}
		context = append(context, found...)
	}
	switch len(valid) {
	case 0:
		return []*Error{{Message: Repr(v) + " is not valid under any of the given schemas", Context: context}}
	case 1:
		return nil
	}
	// The first to match goes last, as the reference lists them.
	return wrong(Repr(v) + " is valid under each of " + strings.Join(append(valid[1:], valid[0]), ", "))
}

func checkNot(r *run, want, v any, _ *Object) []*Error {
	if r.isValid(want, v) {
		return wrong(Repr(v) + " should not be valid under " + Repr(want))
	}
	return nil
}

func checkIf(r *run, want, v any, schema *Object) []*Error {
	branch := "else"
	if r.isValid(want, v) {
		branch = "then"
	}
	next, ok := schema.Get(branch)
	if !ok {
		return nil
	}
	return r.check(next, v)
}
