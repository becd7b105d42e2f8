package parameters

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/jinja"
	"github.com/usherhq/usher/internal/rules/jsonschema"
)

// kindMember marks an object that stands for another value.
const kindMember = "__prefect_kind"

// HydrationError is the error of a placeholder that can't be filled.
type HydrationError struct{ Reason string }

// Error is the sentence of the reference.
func (e *HydrationError) Error() string { return e.Reason }

// HasPlaceholder says that Hydrate may have something to do.
func HasPlaceholder(values jsontext.Value) bool { return bytes.Contains(values, []byte(kindMember)) }

// Filling is what placeholders are filled from.
type Filling struct {
	Variables map[string]jsontext.Value // the workspace's
	Names     map[string]any            // what templates know by name
	Env       jinja.Env                 // what templates are rendered in
}

// Hydrate fills the placeholders in values. What can't be filled is a *HydrationError.
func Hydrate(values jsontext.Value, from Filling) (jsontext.Value, error) {
	tree, err := jsonschema.Parse(values)
	if err != nil {
		return nil, err
	}
	tree, keep, err := hydrator{Filling: from}.fill(tree)
	if err != nil {
		return nil, err
	}
	if !keep {
		return jsontext.Value("{}"), nil
	}
	return json.Marshal(tree)
}

type hydrator struct {
	Filling
	dry bool // only looks what can't be filled
}

// fill returns what v stands for; keep is false when it is to be left out.
func (h hydrator) fill(v any) (filled any, keep bool, err error) {
	switch v := v.(type) {
	case *jsonschema.Object:
		if kind, ok := v.Get(kindMember); ok {
			return h.placeholder(kind, v)
		}
		return h.object(v)
	case []any:
		out := []any{}
		for _, item := range v {
			item, keep, err := h.fill(item)
			if err != nil {
				return nil, false, err
			}
			if keep {
				out = append(out, item)
			}
		}
		return out, true, nil
	}
	return v, true, nil
}

func (h hydrator) object(v *jsonschema.Object) (any, bool, error) {
	out := jsonschema.NewObject()
	for _, name := range v.Names() {
		member, _ := v.Get(name)
		member, keep, err := h.fill(member)
		if err != nil {
			return nil, false, err
		}
		if keep {
			out.Set(name, member)
		}
	}
	return out, true, nil
}

func (h hydrator) placeholder(kind any, v *jsonschema.Object) (any, bool, error) {
	switch kind {
	case "none":
		inner, ok := v.Get("value")
		if !ok {
			return nil, false, missing("value")
		}
		return h.fill(inner)
	case "json":
		return h.json(v)
	case "jinja":
		return h.jinja(v)
	case "workspace_variable":
		return h.variable(v)
	}
	inner, _ := v.Get("value")
	return inner, true, nil
}

func missing(key string) error {
	return &HydrationError{"Missing '" + key + "' key in __prefect object"}
}

// inner is a member of a placeholder, filled when it is a placeholder itself.
func (h hydrator) inner(v *jsonschema.Object, name string) (member any, ok, keep bool, err error) {
	member, ok = v.Get(name)
	if _, isObject := member.(*jsonschema.Object); isObject {
		member, keep, err = h.fill(member)
		return member, ok, keep, err
	}
	return member, ok, true, nil
}

func (h hydrator) json(v *jsonschema.Object) (any, bool, error) {
	member, ok, keep, err := h.inner(v, "value")
	if err != nil || !ok || !keep {
		return nil, false, err
	}
	text, isText := member.(string)
	if !isText {
		return member, true, nil
	}
	raw := jsontext.Value(text)
	if !raw.IsValid(jsontext.AllowDuplicateNames(true)) {
		return nil, false, &HydrationError{"Invalid JSON: " + pythonProblem(text)}
	}
	tree, err := jsonschema.Parse(raw)
	return tree, true, err
}

// pythonProblem words what Python finds first in a text that is no JSON, as far as it is
// a value or a comma that is missing.
func pythonProblem(text string) string {
	dec := jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(true))
	for {
		if _, err := dec.ReadToken(); err != nil {
			break
		}
	}
	const (
		space       = " \t\r\n"
		missingName = "Expecting property name enclosed in double quotes"
	)
	at := min(int(dec.InputOffset()), len(text))
	rest := strings.TrimLeft(text[at:], space)
	problem := "Expecting value"
	container, members := dec.StackIndex(dec.StackDepth())
	switch {
	case rest != "" && (rest[0] == ':' || rest[0] == ','):
		if rest[0] == ',' && container == '{' {
			problem = missingName
		}
		rest = strings.TrimLeft(rest[1:], space)
	case container == '{' && members == 0:
		problem = missingName
	case container == '[' && members > 0, container == '{' && members > 0 && members%2 == 0:
		problem = "Expecting ',' delimiter"
	}
	at = len(text) - len(rest)
	line, column := strings.Count(text[:at], "\n")+1, at-strings.LastIndex(text[:at], "\n")
	return fmt.Sprintf("%s: line %d column %d (char %d)", problem, line, column, at)
}

// template is a valid template that a placeholder has.
func (h hydrator) template(v *jsonschema.Object) (text string, keep bool, err error) {
	member, ok, keep, err := h.inner(v, "template")
	switch {
	case err != nil || ok && !keep:
		return "", false, err
	case !ok:
		return "", false, missing("template")
	}
	if _, isUnfilled := member.(unfilled); isUnfilled {
		return "", false, nil
	}
	text, isText := member.(string)
	if !isText {
		return "", false, &HydrationError{"Invalid jinja: the template is not a text"}
	}
	if err := jinja.Validate(text); err != nil {
		return "", false, &HydrationError{"Invalid jinja: " + err.Error()}
	}
	return text, true, nil
}

func (h hydrator) jinja(v *jsonschema.Object) (any, bool, error) {
	text, keep, err := h.template(v)
	if err != nil || !keep {
		return nil, false, err
	}
	if h.dry {
		return unfilled{}, true, nil
	}
	out, err := jinja.Render(text, h.Names, h.Env)
	if err != nil {
		return nil, false, &HydrationError{"Invalid jinja: " + err.Error()}
	}
	return out, true, nil
}

func (h hydrator) variable(v *jsonschema.Object) (any, bool, error) {
	member, ok, keep, err := h.inner(v, "variable_name")
	if err != nil || !ok || !keep {
		return nil, false, err
	}
	if h.dry {
		return unfilled{}, true, nil
	}
	name, _ := member.(string)
	value, found := h.Variables[name]
	if !found {
		return nil, false, &HydrationError{"Variable '" + name + "' not found in workspace."}
	}
	tree, err := jsonschema.Parse(value)
	return tree, true, err
}
