package pyflow

import (
	"slices"
)

// typer makes schemas of types, and collects the definitions they refer to.
type typer struct {
	module      *module
	definitions map[string]object
	making      []string // classes whose definition is being made
}

// whole is the schema of all parameters.
func (t *typer) whole(properties object, required []any) object {
	out := object{{"title", "Parameters"}, {"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		out = out.with("required", required)
	}
	if len(t.definitions) > 0 {
		definitions := object{}
		for name, definition := range t.definitions {
			definitions = definitions.with(name, definition)
		}
		out = out.with("definitions", definitions.sorted())
	}
	return out
}

// simple are the schemas of types that have no parts.
func simple(path string) object {
	format := func(name string) object { return object{{"format", name}, {"type", "string"}} }
	switch path {
	case "typing.Any", "typing_extensions.Any":
		return object{}
	case "int":
		return object{{"type", "integer"}}
	case "float":
		return object{{"type", "number"}}
	case "str", "typing.Text":
		return object{{"type", "string"}}
	case "bool":
		return object{{"type", "boolean"}}
	case "bytes":
		return format("binary")
	case "datetime.datetime":
		return format("date-time")
	case "datetime.date":
		return format("date")
	case "datetime.time":
		return format("time")
	case "datetime.timedelta":
		return format("duration")
	case "uuid.UUID":
		return format("uuid")
	case "pathlib.Path":
		return format("path")
	}
	return nil
}

// annotation is the schema of the type of a parameter, which may be written as a text.
func (t *typer) annotation(e *expr, number int) (object, error) {
	if e.kind != exprText {
		return t.schema(e, number)
	}
	lines, err := scan(e.text)
	if err != nil || len(lines) != 1 {
		return nil, unknownf(number, "the type %q is not understood", e.text)
	}
	inner, err := parse(lines[0].tokens, number)
	if err != nil {
		return nil, err
	}
	return t.schema(inner, number)
}

// resolves says that a type is understood; nil if it is.
func (t *typer) resolves(e *expr, number int) error {
	scratch := &typer{module: t.module, definitions: map[string]object{}}
	_, err := scratch.annotation(e, number)
	return err
}

// schema is the schema of a type.
func (t *typer) schema(e *expr, number int) (object, error) {
	switch e.kind {
	case exprNone:
		return object{{"type", "null"}}, nil
	case exprName:
		return t.named(e.text, number)
	case exprOr:
		return t.union(e, number)
	case exprSubscript:
		path, _, err := t.module.meaning(e.items[0].text, number)
		if err != nil {
			return nil, err
		}
		return t.generic(path, e, number)
	}
	return nil, unknownf(number, "a type is not understood")
}

func (t *typer) named(dotted string, number int) (object, error) {
	path, b, err := t.module.meaning(dotted, number)
	switch {
	case err != nil:
		return nil, err
	case b.class != nil:
		return t.class(b.class)
	case b.value != nil:
		if b.value.kind == exprText {
			return nil, unknownf(number, "%s is no type", dotted)
		}
		return t.schema(b.value, b.line)
	}
	if s := simple(path); s != nil {
		return s, nil
	}
	if s, err := t.container(path, nil, number); err == nil {
		return s, nil
	}
	return nil, unknownf(number, "the type %s is not one that is known without running it", dotted)
}

// generic is a type with parts.
func (t *typer) generic(path string, e *expr, number int) (object, error) {
	parts := e.items[1:]
	switch path {
	case "typing.Optional", "typing.Union", "typing_extensions.Optional", "typing_extensions.Union":
		return t.union(e, number)
	case "typing.Literal", "typing_extensions.Literal":
		return literal(parts, number)
	case "typing.Annotated", "typing_extensions.Annotated":
		return t.annotated(parts, number)
	}
	return t.container(path, parts, number)
}

// container is a collection; without parts it may hold anything.
func (t *typer) container(path string, parts []*expr, number int) (object, error) {
	unknown := unknownf(number, "the type %s is not one that is known without running it", path)
	switch path {
	case "list", "typing.List", "typing.Sequence", "collections.abc.Sequence":
		return t.array(parts, 1, number, object{{"type", "array"}}, unknown)
	case "set", "frozenset", "typing.Set", "typing.FrozenSet":
		return t.array(parts, 1, number, object{{"type", "array"}, {"uniqueItems", true}}, unknown)
	case "tuple", "typing.Tuple":
		return t.tuple(parts, number, unknown)
	case "dict", "typing.Dict", "typing.Mapping", "collections.abc.Mapping":
		return t.mapping(parts, number, unknown)
	}
	return nil, unknown
}

func (t *typer) array(parts []*expr, want, number int, base object, unknown error) (object, error) {
	item := object{}
	if parts != nil {
		if len(parts) != want {
			return nil, unknown
		}
		var err error
		if item, err = t.schema(parts[0], number); err != nil {
			return nil, err
		}
	}
	return base.with("items", item).sorted(), nil
}

func (t *typer) tuple(parts []*expr, number int, unknown error) (object, error) {
	if parts == nil || len(parts) == 2 && parts[1].kind == exprEllipsis {
		return t.array(parts[:min(len(parts), 1)], 1, number, object{{"type", "array"}}, unknown)
	}
	items := []any{}
	for _, part := range parts {
		item, err := t.schema(part, number)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	n := int64(len(items))
	return object{{"maxItems", n}, {"minItems", n}, {"prefixItems", items}, {"type", "array"}}, nil
}

func (t *typer) mapping(parts []*expr, number int, unknown error) (object, error) {
	values := object{}
	if parts != nil {
		if len(parts) != 2 {
			return nil, unknown
		}
		key, err := t.schema(parts[0], number)
		if err != nil {
			return nil, err
		}
		if len(key) > 1 || len(key) == 1 && key[0].name != "type" {
			return nil, unknown
		}
		if values, err = t.schema(parts[1], number); err != nil {
			return nil, err
		}
	}
	if len(values) == 0 {
		return object{{"additionalProperties", true}, {"type", "object"}}, nil
	}
	return object{{"additionalProperties", values}, {"type", "object"}}, nil
}

// members are the types that a union is made of, those of unions in it included.
func (t *typer) members(e *expr, number int) ([]*expr, error) {
	parts := e.items
	switch e.kind {
	case exprOr:
	case exprSubscript:
		path, _, err := t.module.meaning(e.items[0].text, number)
		if err != nil {
			return nil, err
		}
		switch path {
		case "typing.Optional", "typing_extensions.Optional":
			if len(e.items) != 2 {
				return nil, unknownf(number, "Optional takes one type")
			}
			parts = []*expr{e.items[1], {kind: exprNone}}
		case "typing.Union", "typing_extensions.Union":
			parts = e.items[1:]
		default:
			return []*expr{e}, nil
		}
	case exprName:
		if _, b, err := t.module.meaning(e.text, number); err != nil {
			return nil, err
		} else if b.value != nil {
			return t.members(b.value, b.line)
		}
		return []*expr{e}, nil
	default:
		return []*expr{e}, nil
	}
	var out []*expr
	for _, part := range parts {
		inner, err := t.members(part, number)
		if err != nil {
			return nil, err
		}
		out = append(out, inner...)
	}
	return out, nil
}

// union lists the schemas of its members; null comes last, wherever it stands.
func (t *typer) union(e *expr, number int) (object, error) {
	parts, err := t.members(e, number)
	if err != nil {
		return nil, err
	}
	var schemas, literals []any
	var seen []string
	null := false
	for _, part := range parts {
		if part.kind == exprNone {
			null = true
			continue
		}
		s, err := t.schema(part, number)
		if err != nil {
			return nil, err
		}
		if s.has("enum") || s.has("const") {
			literals = append(literals, s)
		}
		written := text(s)
		if slices.Contains(seen, written) {
			return nil, unknownf(number, "a union names a type twice")
		}
		seen = append(seen, written)
		schemas = append(schemas, s)
	}
	switch {
	case len(literals) > 1, len(schemas) == 0:
		return nil, unknownf(number, "a union is not understood")
	case null:
		schemas = append(schemas, object{{"type", "null"}})
	case len(schemas) == 1:
		return schemas[0].(object), nil
	}
	return object{{"anyOf", schemas}}, nil
}

// literal is one of the given texts or whole numbers.
func literal(parts []*expr, number int) (object, error) {
	var values []any
	kinds := map[exprKind]bool{}
	for _, part := range parts {
		switch part.kind {
		case exprText:
			values = append(values, part.text)
		case exprInt:
			values = append(values, part.integer)
		case exprTrue, exprFalse:
			part = &expr{kind: exprTrue, integer: map[exprKind]int64{exprTrue: 1}[part.kind]}
			values = append(values, part.integer == 1)
		default:
			return nil, unknownf(number, "a Literal is neither text nor a number")
		}
		kinds[part.kind] = true
		if slices.Contains(values[:len(values)-1], values[len(values)-1]) {
			return nil, unknownf(number, "a Literal has a value twice")
		}
	}
	if len(kinds) > 1 && kinds[exprTrue] {
		return nil, unknownf(number, "a Literal mixes truth values with others")
	}
	out := object{{"enum", values}}
	if len(values) == 1 {
		out = object{{"const", values[0]}}
	}
	if len(kinds) == 1 {
		for kind := range kinds {
			out = out.with("type", map[exprKind]string{exprText: "string", exprInt: "integer", exprTrue: "boolean"}[kind])
		}
	}
	return out.sorted(), nil
}

// annotated is a number or a text with bounds.
func (t *typer) annotated(parts []*expr, number int) (object, error) {
	if len(parts) != 2 || parts[1].kind != exprCall || len(parts[1].items) != 1 {
		return nil, unknownf(number, "an Annotated type is not understood")
	}
	if path, _, err := t.module.meaning(parts[1].items[0].text, number); err != nil || path != "pydantic.Field" {
		return nil, unknownf(number, "an Annotated type is not understood")
	}
	s, err := t.schema(parts[0], number)
	if err != nil {
		return nil, err
	}
	return bounded(s, parts[1].named, number)
}

// bounded adds the bounds of a Field to a plain type.
func bounded(s object, bounds []named, number int) (object, error) {
	allowed := map[string]string{}
	switch text(s) {
	case `{"type":"integer"}`, `{"type":"number"}`:
		allowed = map[string]string{"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
	case `{"type":"string"}`:
		allowed = map[string]string{"min_length": "minLength", "max_length": "maxLength"}
	}
	for _, b := range bounds {
		name := allowed[b.name]
		if name == "" || s.has(name) || b.value.kind != exprInt {
			return nil, unknownf(number, "the Field argument %s is not understood", b.name)
		}
		if text(s[len(s)-1].value) == `"number"` {
			s = object{{name, float64(b.value.integer)}, s[len(s)-1]}
			continue
		}
		s = s.with(name, b.value.integer)
	}
	return s.sorted(), nil
}

// value is a default as JSON.
func (t *typer) value(e *expr, number int) (any, error) {
	switch e.kind {
	case exprNone:
		return nil, nil //nolint:nilnil // null is a value
	case exprTrue, exprFalse:
		return e.kind == exprTrue, nil
	case exprText:
		return e.text, nil
	case exprInt:
		return e.integer, nil
	case exprFloat:
		return e.float, nil
	case exprList, exprTuple:
		list := []any{}
		for _, item := range e.items {
			v, err := t.value(item, number)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case exprDict:
		out := object{}
		for i := 0; i < len(e.items); i += 2 {
			v, err := t.value(e.items[i+1], number)
			if err != nil {
				return nil, err
			}
			if e.items[i].kind != exprText || out.has(e.items[i].text) {
				return nil, unknownf(number, "the keys of a default are not plain texts")
			}
			out = out.with(e.items[i].text, v)
		}
		return out, nil
	case exprName:
		return t.constant(e.text, number)
	}
	return nil, unknownf(number, "a default is not a plain value")
}

// constant is the value of a name: a member of an enumeration, or a plain value of the module.
func (t *typer) constant(dotted string, number int) (any, error) {
	path, b, err := t.module.meaning(dotted, number)
	switch {
	case err != nil:
		return nil, err
	case path == "" && b.class != nil:
		return t.enumMember(b.class, dotted, number)
	case path == "" && b.value != nil && slices.Contains([]exprKind{exprTrue, exprFalse, exprText, exprInt, exprFloat, exprNone}, b.value.kind):
		return t.value(b.value, b.line)
	}
	return nil, unknownf(number, "the default %s is not a plain value", dotted)
}
