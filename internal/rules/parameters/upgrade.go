package parameters

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/jinja"
	"github.com/usherhq/usher/internal/rules/jsonschema"
)

// Upgrade writes plain texts with templates in them, as older actions have, as
// placeholders. One that is a single expression keeps the type of its value.
func Upgrade(values jsontext.Value) (jsontext.Value, error) {
	if !jinja.MaybeTemplate(string(values)) {
		return values, nil
	}
	tree, err := jsonschema.Parse(values)
	if err != nil {
		return nil, err
	}
	if object, ok := tree.(*jsonschema.Object); ok {
		upgrade(object)
	}
	return json.Marshal(tree)
}

func upgrade(object *jsonschema.Object) {
	if _, isPlaceholder := object.Get(kindMember); isPlaceholder {
		return
	}
	for _, name := range object.Names() {
		member, _ := object.Get(name)
		object.Set(name, upgraded(member, true))
	}
}

// upgraded is a value whose texts are placeholders; lists in lists are left alone.
func upgraded(v any, lists bool) any {
	switch v := v.(type) {
	case *jsonschema.Object:
		upgrade(v)
	case []any:
		for i := range v {
			if lists {
				v[i] = upgraded(v[i], false)
			}
		}
	case string:
		if jinja.MaybeTemplate(v) {
			return wrapped(v)
		}
	}
	return v
}

func wrapped(template string) any {
	text := strings.TrimSpace(template)
	isOne := strings.HasPrefix(text, "{{") && strings.HasSuffix(text, "}}") && strings.Count(text, "{{") == 1
	if !isOne {
		return placeholderOf("jinja", "template", template)
	}
	expression := strings.TrimSpace(text[2 : len(text)-2])
	return placeholderOf("json", "value", placeholderOf("jinja", "template", "{{ "+expression+" | tojson }}"))
}

func placeholderOf(kind, name string, value any) *jsonschema.Object {
	out := jsonschema.NewObject()
	out.Set(kindMember, kind)
	out.Set(name, value)
	return out
}
