package pyflow

import (
	"crypto/md5" //nolint:gosec // versions of flows are MD5 sums
	"encoding/hex"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Flow is what the source tells about a flow.
type Flow struct {
	Name        string
	Description *string
	Version     string
	Schema      jsontext.Value // of the parameters
}

// Read reads the flow that the function of this name is. The error is an *Unknown if the
// source alone does not tell.
func Read(source []byte, function string) (Flow, error) {
	lines, err := scan(string(source))
	if err != nil {
		return Flow{}, err
	}
	m, err := readModule(lines)
	if err != nil {
		return Flow{}, err
	}
	b, ok := m.names[function]
	switch {
	case !ok || b.def == nil && !b.unclear:
		return Flow{}, unknownf(0, "there is no function %s at the top level of the file", function)
	case b.unclear:
		return Flow{}, unknownf(b.line, "%s is defined more than once", function)
	}
	return m.flow(b.def, source)
}

func (m *module) flow(def *block, source []byte) (Flow, error) {
	f := Flow{Name: strings.ReplaceAll(def.name, "_", "-")}
	sum := md5.Sum(source) //nolint:gosec // see above
	f.Version = hex.EncodeToString(sum[:])
	doc, err := docstring(def)
	if err != nil {
		return Flow{}, err
	}
	if doc != nil {
		cleaned := cleandoc(*doc)
		doc = &cleaned
		f.Description = &cleaned
	}
	if err := m.decorator(def, &f); err != nil {
		return Flow{}, err
	}
	schema, err := m.parameters(def, doc)
	if err != nil {
		return Flow{}, err
	}
	f.Schema, err = encode(nil, schema)
	return f, err
}

// options are what the decorator takes whose value does not matter here.
var options = []string{
	"flow_run_name", "retries", "retry_delay_seconds", "task_runner", "timeout_seconds", "validate_parameters", "persist_result",
	"cache_result_in_memory", "log_prints", "on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running",
}

// decorator reads @flow or @flow(…).
func (m *module) decorator(def *block, f *Flow) error {
	if len(def.decorators) != 1 {
		return unknownf(def.head.number, "%s has not exactly one decorator", def.name)
	}
	l := def.decorators[0]
	tokens := l.tokens[1:]
	call := find(tokens, "(")
	name := tokens
	if call > 0 {
		name = tokens[:call]
	}
	e, err := parse(name, l.number)
	if err != nil || e.kind != exprName {
		return unknownf(l.number, "the decorator is not understood")
	}
	path, _, err := m.meaning(e.text, l.number)
	if err != nil {
		return err
	}
	if !isPrefects(path) {
		return unknownf(l.number, "the decorator is not Prefect's flow")
	}
	if call < 0 {
		return nil
	}
	if !tokens[len(tokens)-1].is(")") || find(tokens[call+1:len(tokens)-1], ")") >= 0 {
		return unknownf(l.number, "the decorator is not understood")
	}
	for _, argument := range split(tokens[call+1 : len(tokens)-1]) {
		if err := m.option(f, argument, l.number); err != nil {
			return err
		}
	}
	return nil
}

func (m *module) option(f *Flow, argument []token, number int) error {
	if len(argument) < 3 || argument[0].kind != tokenName || !argument[1].is("=") {
		return unknownf(number, "an argument of the decorator is not understood")
	}
	key := argument[0].text
	if slices.Contains(options, key) {
		return nil
	}
	value, err := parse(argument[2:], number)
	if err == nil && value.kind == exprNone {
		return nil
	}
	if err != nil || value.kind != exprText {
		return unknownf(number, "the value of %s is not a plain text", key)
	}
	switch {
	case value.text == "" && (key == "name" || key == "description" || key == "version"):
	case key == "name" && strings.ContainsAny(value.text, "/%&><"):
		return unknownf(number, "a flow can't have that name")
	case key == "name":
		f.Name = value.text
	case key == "description":
		f.Description = &value.text
	case key == "version":
		f.Version = value.text
	default:
		return unknownf(number, "the argument %s of the decorator is not known", key)
	}
	return nil
}

// docstring is the docstring of a class or function; nil if it has none.
func docstring(b *block) (*string, error) {
	colon := find(b.head.tokens, ":")
	if colon < 0 {
		return nil, unknownf(b.head.number, "%s is not understood", b.name)
	}
	first := line{tokens: b.head.tokens[colon+1:], number: b.head.number}
	if len(first.tokens) == 0 && len(b.body) > 0 {
		first = b.body[0]
	}
	if len(first.tokens) == 0 || slices.ContainsFunc(first.tokens, func(t token) bool { return t.kind != tokenString }) {
		if len(first.tokens) > 0 && (first.tokens[0].kind == tokenString || first.tokens[0].is("(")) {
			return nil, unknownf(first.number, "whether %s has a docstring is not clear", b.name)
		}
		return nil, nil //nolint:nilnil // there is none
	}
	doc := ""
	for _, t := range first.tokens {
		if !t.plain {
			return nil, unknownf(first.number, "the docstring of %s is not understood", b.name)
		}
		doc += t.text
	}
	if !plainDoc(doc) {
		return nil, unknownf(first.number, "the docstring of %s has unusual white space", b.name)
	}
	return &doc, nil
}

// reserved are names of parameters and fields that models have for themselves.
var reserved = []string{
	"args", "kwargs", "self", "cls", "return_state", "wait_for", "copy", "json", "dict", "schema", "schema_json", "validate", "construct",
	"parse_obj", "parse_raw", "parse_file", "from_orm", "update_forward_refs",
}

func isReserved(name string) bool {
	return strings.HasPrefix(name, "_") || strings.HasPrefix(name, "model_") || strings.HasPrefix(name, "v__") || slices.Contains(reserved, name)
}

// parameters makes the schema of the function's parameters.
func (m *module) parameters(def *block, doc *string) (object, error) {
	number := def.head.number
	if !def.head.tokens[0].is("(") {
		return nil, unknownf(number, "%s has type parameters", def.name)
	}
	end := find(def.head.tokens[1:], ")") + 1
	rest := def.head.tokens[end+1:]
	colon := find(rest, ":")
	if end == 0 || colon < 0 {
		return nil, unknownf(number, "the head of %s is not understood", def.name)
	}
	var descriptions map[string]string
	if doc != nil {
		descriptions = described(*doc)
	}
	t := &typer{module: m, definitions: map[string]object{}}
	properties, required, texts := object{}, []any{}, m.future
	position := 0
	for _, part := range split(def.head.tokens[1:end]) {
		if len(part) == 1 && (part[0].is("*") || part[0].is("/")) {
			continue
		}
		p, err := readParameter(part, number)
		if err != nil {
			return nil, err
		}
		property := object{}
		if p.annotation != nil {
			if p.annotation.kind == exprText {
				texts = true
			}
			if property, err = t.annotation(p.annotation, number); err != nil {
				return nil, err
			}
		}
		if p.value == nil {
			required = append(required, p.name)
		} else {
			value, err := t.value(p.value, number)
			if err != nil {
				return nil, err
			}
			property = property.with("default", value)
		}
		if description, ok := descriptions[p.name]; ok {
			property = property.with("description", description)
		}
		properties = properties.with(p.name, property.with("position", int64(position)).with("title", p.name).sorted())
		position++
	}
	if result := rest[:colon]; texts && len(result) > 1 {
		// With annotations that are texts one that can't be resolved changes all the others.
		e, err := parse(result[1:], number)
		if err != nil || e.kind != exprNone && t.resolves(e, number) != nil {
			return nil, unknownf(number, "what %s returns is not understood", def.name)
		}
	}
	return t.whole(properties, required), nil
}

// parameter is a parameter, or a field of a class.
type parameter struct {
	name       string
	annotation *expr
	value      *expr
}

func readParameter(part []token, number int) (parameter, error) {
	if part[0].kind != tokenName || isReserved(part[0].text) {
		return parameter{}, unknownf(number, "a parameter is not understood")
	}
	p := parameter{name: part[0].text}
	rest := part[1:]
	equals := find(rest, "=")
	annotation := rest
	var err error
	if equals >= 0 {
		annotation = rest[:equals]
		if p.value, err = parse(rest[equals+1:], number); err != nil {
			return p, unknownf(number, "the default of %s is not a plain value", p.name)
		}
	}
	if len(annotation) == 0 {
		return p, nil
	}
	if !annotation[0].is(":") {
		return p, unknownf(number, "the parameter %s is not understood", p.name)
	}
	if p.annotation, err = parse(annotation[1:], number); err != nil {
		return p, unknownf(number, "the type of %s is not understood", p.name)
	}
	return p, nil
}
