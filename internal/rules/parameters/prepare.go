package parameters

import "github.com/usherhq/usher/internal/rules/jsonschema"

// prepared reads a schema as the reference does: optional properties may be null, the
// lists of old tuples work, and blocks may be given by reference. It changes its argument.
func prepared(root any, rule Rule) any {
	schema, ok := root.(*jsonschema.Object)
	if !ok {
		return root
	}
	prepareProperties(schema, rule.NullWithDefault)
	if definitions := objectAt(schema, "definitions"); definitions != nil {
		prepareDefinitions(definitions, rule.NullWithDefault)
	}
	if rule.IgnoreRequired {
		return withoutRequired(schema)
	}
	return schema
}

func objectAt(o *jsonschema.Object, name string) *jsonschema.Object {
	v, _ := o.Get(name)
	inner, _ := v.(*jsonschema.Object)
	return inner
}

func prepareProperties(schema *jsonschema.Object, nullWithDefault bool) {
	properties := objectAt(schema, "properties")
	if properties == nil {
		return
	}
	required := map[any]bool{}
	list, _ := schema.Get("required")
	names, _ := list.([]any)
	for _, name := range names {
		required[name] = true
	}
	for _, name := range properties.Names() {
		property := objectAt(properties, name)
		if property == nil {
			continue
		}
		if !required[name] {
			allowNull(property, nullWithDefault)
		}
		prefixItems(property)
		prepareProperties(property, false)
	}
}

// allowNull lets a property that need not be there be null too.
func allowNull(property *jsonschema.Object, withDefault bool) {
	kind, typed := property.Get("type")
	_, hasDefault := property.Get("default")
	if !typed || kind == "null" || hasDefault && !withDefault {
		return
	}
	property.Delete("type")
	property.Set("anyOf", []any{ofType(kind), ofType("null")})
}

func ofType(kind any) *jsonschema.Object {
	o := jsonschema.NewObject()
	o.Set("type", kind)
	return o
}

// prefixItems moves the list under items, an old way to describe tuples.
func prefixItems(property *jsonschema.Object) {
	items, _ := property.Get("items")
	list, isList := items.([]any)
	if _, has := property.Get("prefixItems"); !isList || len(list) == 0 || has {
		return
	}
	property.Delete("items")
	property.Set("prefixItems", list)
}

func prepareDefinitions(definitions *jsonschema.Object, nullWithDefault bool) {
	for _, name := range append([]string(nil), definitions.Names()...) {
		definition := objectAt(definitions, name)
		if definition == nil {
			continue
		}
		prepareProperties(definition, nullWithDefault)
		if _, isBlock := definition.Get("block_type_slug"); !isBlock {
			continue
		}
		title, _ := definition.Get("title")
		if key, ok := title.(string); ok {
			definitions.Set(key, orReference(definition))
		}
	}
}

// orReference lets a block be given whole or by {"$ref": …}.
func orReference(block *jsonschema.Object) *jsonschema.Object {
	id := ofType("string")
	id.Set("format", "uuid")
	names := ofType("object")
	names.Set("additionalProperties", ofType("string"))
	names.Set("minProperties", jsonschema.Number("1"))
	target := jsonschema.NewObject()
	target.Set("oneOf", []any{id, names})
	properties := jsonschema.NewObject()
	properties.Set("$ref", target)
	reference := ofType("object")
	reference.Set("properties", properties)
	reference.Set("required", []any{"$ref"})
	either := jsonschema.NewObject()
	either.Set("oneOf", []any{block, reference})
	return either
}

// withoutRequired takes the members "required" out of a schema and the objects in it, but
// not out of those in lists, which the reference leaves alone.
func withoutRequired(v any) any {
	if schema, ok := v.(*jsonschema.Object); ok {
		schema.Delete("required")
		for _, name := range schema.Names() {
			member, _ := schema.Get(name)
			withoutRequired(member)
		}
	}
	return v
}
