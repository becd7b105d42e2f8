package actionvars

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jinja"
)

// NewEvent sees an event; ui is where its page is, without a slash at the end.
func NewEvent(e *api.ReceivedEvent, ui string) (*Model, error) {
	raw, err := json.Marshal(e, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	m, err := NewModel("ReceivedEvent", "event", jsontext.Value(raw))
	if err != nil {
		return nil, err
	}
	related, first, all := []any{}, jinja.NewDict(), jinja.NewDict()
	for _, r := range e.Related {
		one := resource{r, "RelatedResource"}
		related = append(related, one)
		role := r["prefect.resource.role"]
		if _, has := first.Get(role); !has {
			first.Set(role, one)
		}
		list, _ := all.Get(role)
		before, _ := list.([]any)
		all.Set(role, append(slices.Clone(before), one))
	}
	m.Set("resource", resource{e.Resource, "Resource"})
	m.Set("related", related)
	m.Set("resource_in_role", first)
	m.Set("resources_in_role", all)
	m.Set("url", pageOf(m, ui))
	return m, nil
}

// resource is a resource of an event.
type resource struct {
	labels map[string]string
	class  string
}

// Member is a label, or what names the resource.
func (r resource) Member(name string) (any, bool) {
	if value, ok := r.labels[name]; ok {
		return value, true
	}
	switch name {
	case "id", "name", "role":
		if value, ok := r.labels["prefect.resource."+name]; ok {
			return value, true
		}
		return nil, name == "name"
	case "labels":
		return Labels(r.labels), true
	case "get":
		return jinja.Func(r.get), true
	case "items", "keys":
		return jinja.Func(func([]any, map[string]any) (any, error) { return Labels(r.labels).list(name == "items"), nil }), true
	}
	return nil, false
}

func (r resource) get(args []any, _ map[string]any) (any, error) {
	if len(args) > 0 {
		if name, ok := args[0].(string); ok {
			if value, ok := r.labels[name]; ok {
				return value, nil
			}
		}
	}
	if len(args) > 1 {
		return args[1], nil
	}
	return nil, nil
}

// String shows the labels.
func (r resource) String() string { return r.class + "(root=" + Labels(r.labels).shown() + ")" }

// TypeName is the class.
func (r resource) TypeName() string { return r.class }

// JSON is the object of the labels.
func (r resource) JSON() any { return Labels(r.labels).dict() }
