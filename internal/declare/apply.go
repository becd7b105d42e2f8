package declare

import (
	"context"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// Apply does what a change says.
func Apply(ctx context.Context, c *client.Client, change *Change) error {
	err := apply(ctx, c, change)
	if err != nil && change.declared != nil {
		return api.Errorf(api.CodeOf(err), "%s: %s %q: %w", change.declared.Place, change.Kind, change.Name, err)
	}
	return err
}

func apply(ctx context.Context, c *client.Client, change *Change) error {
	switch o := change.declared; change.Action {
	case Create:
		body := maps.Clone(o.fields)
		if err := fillTemplate(ctx, c, o, body); err != nil {
			return err
		}
		err := send(ctx, c, o, body, o.kind.create)
		if api.CodeOf(err) == api.CodeConflict && o.Kind == queueKind { // a new pool has its default queue of itself
			err = send(ctx, c, o, maps.Clone(o.fields), o.kind.change)
		}
		return err
	case Update:
		o.id = change.current.id
		return send(ctx, c, o, change.body(), o.kind.change)
	case Delete:
		return do(ctx, c, change.current.kind.remove(change.current))
	case Unchanged:
	}
	return nil
}

// body is what a change sends: what differs, or all that is so and shall be so.
func (c *Change) body() fields {
	body := fields{}
	for _, name := range c.declared.kind.fields {
		value, said := c.declared.fields[name]
		if !said && c.declared.kind.whole {
			value, said = c.current.fields[name]
		}
		differs := slices.ContainsFunc(c.Differences, func(d Difference) bool { return within(d.Path, name) })
		if said && c.current != nil && slices.Contains(c.declared.kind.loose, name) {
			value = overlaid(c.current.fields[name], value)
		}
		if said && (differs || c.declared.kind.whole) {
			body[name] = value
		}
	}
	return body
}

// overlaid is what the server has with what is said put over it. Lists are said whole.
func overlaid(have, said jsontext.Value) jsontext.Value {
	var under, over fields
	if have.Kind() != '{' || said.Kind() != '{' || json.Unmarshal(have, &under) != nil || json.Unmarshal(said, &over) != nil {
		return said
	}
	for name, value := range over {
		under[name] = overlaid(under[name], value)
	}
	merged, err := json.Marshal(under, json.Deterministic(true))
	if err != nil {
		return said
	}
	return merged
}

type maker = func(context.Context, *client.Client, *Object, fields) (request, error)

func send(ctx context.Context, c *client.Client, o *Object, body fields, words maker) error {
	r, err := words(ctx, c, o, body)
	if err != nil {
		return err
	}
	return do(ctx, c, r)
}

func do(ctx context.Context, c *client.Client, r request) error {
	var payload []byte
	if r.body != nil {
		var err error
		if payload, err = json.Marshal(r.body, json.Deterministic(true)); err != nil {
			return err
		}
	}
	_, err := c.Do(ctx, r.method, r.path, payload)
	return err
}

// fillTemplate gives a new work pool the template of its type unless it says its own.
func fillTemplate(ctx context.Context, c *client.Client, o *Object, body fields) error {
	if _, said := body["base_job_template"]; said || o.Kind != poolKind {
		return nil
	}
	known, err := c.Do(ctx, "GET", "/collections/views/aggregate-worker-metadata", nil)
	if err != nil {
		return err
	}
	var collections map[string]map[string]fields
	if err := json.Unmarshal(known.Body, &collections); err != nil {
		return err
	}
	kind := body.text("type")
	for _, types := range collections {
		if template, ok := types[kind]["default_base_job_configuration"]; ok {
			body["base_job_template"] = template
			return nil
		}
	}
	if kind == "" {
		return api.Errorf(api.CodeInvalid, "a new work pool needs a type, such as process")
	}
	body["base_job_template"] = jsontext.Value("{}")
	return nil
}
