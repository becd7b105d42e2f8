package pyflow

import (
	"slices"
	"strings"
	"unicode"
)

// class is the reference to a class of the file, whose definition is made on the way.
func (t *typer) class(b *block) (object, error) {
	reference := object{{"$ref", "#/definitions/" + b.name}}
	if t.definitions[b.name] != nil {
		return reference, nil
	}
	if slices.Contains(t.making, b.name) {
		return nil, unknownf(b.head.number, "%s refers to itself", b.name)
	}
	t.making = append(t.making, b.name)
	defer func() { t.making = t.making[:len(t.making)-1] }()
	bases, err := t.bases(b)
	if err != nil {
		return nil, err
	}
	var definition object
	switch {
	case isEnum(bases):
		definition, err = t.enum(b)
	case slices.Equal(bases, []string{"pydantic.BaseModel"}) && len(b.decorators) == 0:
		definition, err = t.model(b)
	case len(bases) == 0 && len(b.decorators) == 1:
		definition, err = t.dataclass(b)
	default:
		err = unknownf(b.head.number, "the class %s is not one that is known without running it", b.name)
	}
	if err != nil {
		return nil, err
	}
	t.definitions[b.name] = definition
	return reference, nil
}

// bases are the paths of the classes that a class is made of.
func (t *typer) bases(b *block) ([]string, error) {
	tokens := b.head.tokens
	if tokens[0].is(":") {
		return nil, nil
	}
	end := find(tokens[1:], ")") + 1
	if !tokens[0].is("(") || end == 0 {
		return nil, unknownf(b.head.number, "the head of %s is not understood", b.name)
	}
	var out []string
	for _, part := range split(tokens[1:end]) {
		e, err := parse(part, b.head.number)
		if err != nil || e.kind != exprName {
			return nil, unknownf(b.head.number, "the bases of %s are not understood", b.name)
		}
		path, _, err := t.module.meaning(e.text, b.head.number)
		if err != nil {
			return nil, err
		}
		out = append(out, path)
	}
	return out, nil
}

func isEnum(bases []string) bool {
	switch strings.Join(bases, " ") {
	case "enum.Enum", "enum.IntEnum", "enum.StrEnum", "str enum.Enum", "int enum.Enum":
		return true
	}
	return false
}

// attributes are the assignments and annotations of a class. What else it may hold must not
// matter: its docstring, and plain methods.
func (t *typer) attributes(b *block) ([]line, error) {
	if colon := find(b.head.tokens, ":"); colon < 0 || colon+1 < len(b.head.tokens) {
		return nil, unknownf(b.head.number, "the class %s is written in one line", b.name)
	}
	var out []line
	decorated := false
	for i := 0; i < len(b.body); {
		l := b.body[i]
		end := i + 1
		for end < len(b.body) && b.body[end].indent > l.indent {
			end++
		}
		first := l.tokens[0]
		switch {
		case l.tokens[0].kind == tokenString && len(l.tokens) == 1, first.named("pass") && len(l.tokens) == 1:
		case first.is("@"):
			decorated = true
			if len(l.tokens) != 2 || !slices.Contains([]string{"property", "staticmethod", "classmethod"}, l.tokens[1].text) {
				return nil, unknownf(l.number, "%s has a method whose decorator is not understood", b.name)
			}
		case first.named("def") || first.named("async") && len(l.tokens) > 2 && l.tokens[1].named("def"):
			name := l.tokens[1].text
			if name == "def" {
				name = l.tokens[2].text
			}
			if strings.HasPrefix(name, "_") && name != "__str__" && name != "__repr__" {
				return nil, unknownf(l.number, "%s has the method %s", b.name, name)
			}
			decorated = false
		case end > i+1, decorated, isCompound(first), slices.ContainsFunc(l.tokens, func(t token) bool { return t.is(";") }):
			return nil, unknownf(l.number, "the class %s is not understood", b.name)
		default:
			out = append(out, l)
		}
		i = end
	}
	return out, nil
}

// enum is the definition of an enumeration.
func (t *typer) enum(b *block) (object, error) {
	if len(b.decorators) > 0 {
		return nil, unknownf(b.head.number, "%s is decorated", b.name)
	}
	members, err := t.enumMembers(b)
	if err != nil {
		return nil, err
	}
	out := object{{"enum", []any{}}, {"title", b.name}}
	values, kinds := []any{}, map[string]bool{}
	for _, m := range members {
		values = append(values, m.value)
		switch m.value.(type) {
		case string:
			kinds["string"] = true
		case int64:
			kinds["integer"] = true
		}
	}
	out[0].value = values
	if len(kinds) == 1 {
		for kind := range kinds {
			out = out.with("type", kind)
		}
	}
	return t.describe(b, out)
}

// describe adds the docstring of a class.
func (t *typer) describe(b *block, definition object) (object, error) {
	doc, err := docstring(b)
	if err != nil {
		return nil, err
	}
	if doc != nil && *doc != "" {
		cleaned := cleandoc(*doc)
		if cleaned == "" || cleaned == "An enumeration." {
			return nil, unknownf(b.head.number, "the docstring of %s is unusual", b.name)
		}
		definition = definition.with("description", cleaned)
	}
	return definition.sorted(), nil
}

// enumMembers are the members with their values, texts or whole numbers.
func (t *typer) enumMembers(b *block) ([]member, error) {
	bases, err := t.bases(b)
	if err != nil {
		return nil, err
	}
	lines, err := t.attributes(b)
	if err != nil {
		return nil, err
	}
	var out []member
	for _, l := range lines {
		if len(l.tokens) < 3 || l.tokens[0].kind != tokenName || !l.tokens[1].is("=") || strings.HasPrefix(l.tokens[0].text, "_") {
			return nil, unknownf(l.number, "a member of %s is not understood", b.name)
		}
		value, err := parse(l.tokens[2:], l.number)
		if err != nil {
			return nil, err
		}
		fits := value.kind == exprText || value.kind == exprInt
		switch strings.Join(bases, " ") {
		case "enum.IntEnum", "int enum.Enum":
			fits = value.kind == exprInt
		case "enum.StrEnum", "str enum.Enum":
			fits = value.kind == exprText
		}
		if !fits {
			return nil, unknownf(l.number, "a member of %s is not a plain text or number", b.name)
		}
		v, err := t.value(value, l.number)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(m member) bool { return m.value == v || m.name == l.tokens[0].text }) {
			return nil, unknownf(l.number, "%s has a value twice", b.name)
		}
		out = append(out, member{l.tokens[0].text, v})
	}
	if len(out) == 0 {
		return nil, unknownf(b.head.number, "%s has no members", b.name)
	}
	return out, nil
}

// enumMember is the value of Class.MEMBER.
func (t *typer) enumMember(b *block, dotted string, number int) (any, error) {
	bases, err := t.bases(b)
	if err == nil && isEnum(bases) && len(b.decorators) == 0 {
		members, err := t.enumMembers(b)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if dotted == b.name+"."+m.name {
				return m.value, nil
			}
		}
	}
	return nil, unknownf(number, "the default %s is not a plain value", dotted)
}

// fields reads the fields of a model or dataclass, and which of them must be given.
func (t *typer) fields(b *block, field func(parameter, object, line) (object, bool, error)) (properties object, required []any, err error) {
	lines, err := t.attributes(b)
	if err != nil {
		return nil, nil, err
	}
	properties = object{}
	for _, l := range lines {
		p, err := readParameter(l.tokens, l.number)
		if err != nil {
			return nil, nil, err
		}
		if p.annotation == nil || t.module.future || properties.has(p.name) || p.mentions(lines) {
			return nil, nil, unknownf(l.number, "a field of %s is not understood", b.name)
		}
		schema, err := t.schema(p.annotation, l.number)
		if err != nil {
			return nil, nil, err
		}
		described, optional, err := field(p, schema, l)
		if err != nil {
			return nil, nil, err
		}
		if !optional {
			required = append(required, p.name)
		}
		if t.titled(p.annotation, l.number) {
			described = described.with("title", fieldTitle(p.name))
		}
		properties = properties.with(p.name, described.sorted())
	}
	return properties, required, nil
}

// mentions says that a field of the class has the name of something that the type or default
// of this one is made of: within the class the field would be meant.
func (p parameter) mentions(lines []line) bool {
	names := map[string]bool{}
	for _, e := range []*expr{p.annotation, p.value} {
		e.names(names)
	}
	return slices.ContainsFunc(lines, func(l line) bool { return names[l.tokens[0].text] })
}

func (e *expr) names(into map[string]bool) {
	if e == nil {
		return
	}
	if e.kind == exprName {
		first, _, _ := strings.Cut(e.text, ".")
		into[first] = true
	}
	for _, item := range e.items {
		item.names(into)
	}
	for _, n := range e.named {
		n.value.names(into)
	}
}

// titled says that a field of the type has a title: those that refer to a definition have none.
func (t *typer) titled(e *expr, number int) bool {
	members, err := t.members(e, number)
	if err != nil {
		return false
	}
	members = slices.DeleteFunc(members, func(e *expr) bool { return e.kind == exprNone })
	if len(members) != 1 {
		return true
	}
	s, err := t.schema(members[0], number)
	return err == nil && !s.has("$ref")
}

// fieldTitle is the name in words.
func fieldTitle(name string) string {
	var b strings.Builder
	inWord := false
	for _, r := range name {
		if inWord {
			b.WriteRune(unicode.ToLower(r))
		} else {
			b.WriteRune(unicode.ToUpper(r))
		}
		inWord = unicode.IsLetter(r)
	}
	return strings.TrimSpace(strings.ReplaceAll(b.String(), "_", " "))
}

func structure(b *block, properties object, required []any) object {
	out := object{{"properties", properties}, {"title", b.name}, {"type", "object"}}
	if len(required) > 0 {
		out = out.with("required", required)
	}
	return out.sorted()
}

// model is the definition of a pydantic model.
func (t *typer) model(b *block) (object, error) {
	properties, required, err := t.fields(b, func(p parameter, schema object, l line) (object, bool, error) {
		if p.value == nil {
			return schema, false, nil
		}
		if p.value.kind == exprCall {
			return t.modelField(p, schema, l)
		}
		value, err := t.value(p.value, l.number)
		return schema.with("default", value), true, err
	})
	if err != nil {
		return nil, err
	}
	return t.describe(b, structure(b, properties, required))
}

// modelField reads a default that is written Field(…).
func (t *typer) modelField(p parameter, schema object, l line) (object, bool, error) {
	path, _, err := t.module.meaning(p.value.items[0].text, l.number)
	if err != nil || path != "pydantic.Field" || len(p.value.items) > 2 {
		return nil, false, unknownf(l.number, "the default of %s is not a plain value", p.name)
	}
	arguments := p.value.named
	if len(p.value.items) == 2 {
		arguments = append([]named{{"default", p.value.items[1]}}, arguments...)
	}
	optional, extra := false, object{}
	var bounds []named
	for _, a := range arguments {
		switch a.name {
		case "default":
			if a.value.kind == exprEllipsis {
				continue
			}
			value, err := t.value(a.value, l.number)
			if err != nil {
				return nil, false, err
			}
			optional, extra = true, extra.with("default", value)
		case "default_factory":
			if !t.emptyFactory(a.value, l.number) {
				return nil, false, unknownf(l.number, "the default of %s is computed", p.name)
			}
			optional = true
		case "description":
			if a.value.kind != exprText || a.value.text == "" {
				return nil, false, unknownf(l.number, "the description of %s is not a plain text", p.name)
			}
			extra = extra.with("description", a.value.text)
		default:
			bounds = append(bounds, a)
		}
	}
	if len(bounds) > 0 {
		if schema, err = bounded(schema, bounds, l.number); err != nil {
			return nil, false, err
		}
	}
	return append(slices.Clone(schema), extra...), optional, nil
}

// emptyFactory says that a default is made by list, dict and the like.
func (t *typer) emptyFactory(e *expr, number int) bool {
	if e.kind != exprName {
		return false
	}
	path, _, err := t.module.meaning(e.text, number)
	return err == nil && slices.Contains([]string{"list", "dict", "set", "tuple", "str", "int"}, path)
}

// dataclass is the definition of a plain dataclass. One with a docstring is left to Python:
// versions of pydantic treat it differently.
func (t *typer) dataclass(b *block) (object, error) {
	unknown := unknownf(b.head.number, "the class %s is not one that is known without running it", b.name)
	l := b.decorators[0]
	e, err := parse(l.tokens[1:], l.number)
	if err != nil {
		return nil, unknown
	}
	if e.kind == exprCall {
		for _, a := range e.named {
			if !slices.Contains([]string{"frozen", "order", "eq", "repr", "slots"}, a.name) {
				return nil, unknown
			}
		}
		e = e.items[0]
	}
	path, _, err := t.module.meaning(e.text, l.number)
	if doc, docErr := docstring(b); err != nil || path != "dataclasses.dataclass" || docErr != nil || doc != nil {
		return nil, unknown
	}
	properties, required, err := t.fields(b, func(p parameter, schema object, l line) (object, bool, error) {
		if p.value == nil {
			return schema, false, nil
		}
		if p.value.kind == exprCall {
			path, _, err := t.module.meaning(p.value.items[0].text, l.number)
			call := p.value
			if err != nil || path != "dataclasses.field" || len(call.items) != 1 || len(call.named) != 1 ||
				call.named[0].name != "default_factory" || !t.emptyFactory(call.named[0].value, l.number) {
				return nil, false, unknownf(l.number, "the default of %s is computed", p.name)
			}
			return schema, true, nil
		}
		if slices.Contains([]exprKind{exprList, exprDict}, p.value.kind) {
			return nil, false, unknownf(l.number, "the default of %s is refused by Python", p.name)
		}
		value, err := t.value(p.value, l.number)
		return schema.with("default", value), true, err
	})
	if err != nil {
		return nil, err
	}
	return structure(b, properties, required), nil
}
