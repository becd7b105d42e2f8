package declare

import (
	"cmp"
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// Export reads the objects of some kinds, of all if none are named. Secrets are left out.
func Export(ctx context.Context, c *client.Client, names []string) ([]*Object, error) {
	chosen := kinds()
	if len(names) > 0 {
		chosen = nil
		for _, name := range names {
			k, err := byName(name)
			if err != nil {
				return nil, err
			}
			chosen = append(chosen, k)
		}
	}
	var all []*Object
	for _, k := range chosen {
		objects, err := k.list(ctx, c, false)
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	return all, nil
}

// list reads the objects of a kind, sorted by name.
func (k *kind) list(ctx context.Context, c *client.Client, secrets bool) ([]*Object, error) {
	items, err := find.Pages(0, func(offset, limit int) ([]fields, error) {
		page := map[string]any{"offset": offset, "limit": limit}
		if k.name == blockKind {
			page["include_secrets"] = secrets
		}
		return ask[[]fields](ctx, c, k.filter, page)
	})
	if err != nil {
		return nil, err
	}
	if err := addFlowNames(ctx, c, items); err != nil {
		return nil, err
	}
	var objects []*Object
	for _, item := range items {
		if o := k.read(item); o != nil {
			o.Kind, o.kind = k.name, k
			objects = append(objects, o)
		}
	}
	slices.SortFunc(objects, func(a, b *Object) int { return cmp.Compare(a.Name, b.Name) })
	return objects, nil
}

// current reads a kind to compare it with declarations: with secrets, which stay inside.
func (k *kind) current(ctx context.Context, c *client.Client) ([]*Object, error) {
	objects, err := k.list(ctx, c, k.name == blockKind)
	if err != nil || k.name != blockKind {
		return objects, err
	}
	hidden, err := k.list(ctx, c, false)
	for _, h := range hidden {
		if i := slices.IndexFunc(objects, func(o *Object) bool { return o.id == h.id }); i >= 0 {
			objects[i].secrets = h.secrets
		}
	}
	return objects, err
}

func ask[T any](ctx context.Context, c *client.Client, path string, body any) (out T, err error) {
	payload, err := json.Marshal(body)
	if err != nil {
		return out, err
	}
	answer, err := c.Do(ctx, "POST", path, payload)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(answer.Body, &out)
}

// addFlowNames adds the names of flows to what has a flow.
func addFlowNames(ctx context.Context, c *client.Client, items []fields) error {
	var ids []uuid.UUID
	for _, item := range items {
		if id, err := uuid.Parse(item.text("flow_id")); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	names, err := find.FlowNames(ctx, c, ids)
	if err != nil {
		return err
	}
	for _, item := range items {
		id, err := uuid.Parse(item.text("flow_id"))
		if err != nil {
			continue
		}
		if item["flow_name"], err = json.Marshal(names[id]); err != nil {
			return err
		}
	}
	return nil
}
