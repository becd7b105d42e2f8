package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
)

// SeenResource is a resource that events were about, and when one was last.
type SeenResource struct {
	ID   string
	Last api.Time
}

// SeenResources lists what the events that a plain filter selects were about, by the last
// times of these.
func (tx *Tx) SeenResources(f *filter.Event, order api.EventOrder) ([]SeenResource, error) {
	where, err := tx.whereEvents(f)
	if err != nil {
		return nil, err
	}
	by := down("2", "1")
	if order == api.EventOrderAsc {
		by = up("2", "1")
	}
	return many(tx, "select event.resource_id, max(event.occurred)\nfrom event\nwhere "+where.sql+"\ngroup by event.resource_id\norder by "+by, where.args,
		func(row *Row) (r SeenResource, err error) { return r, row.Scan(&r.ID, &r.Last) })
}

// ResourceLabels returns the labels that some resources had when they were seen.
func (tx *Tx) ResourceLabels(seen []SeenResource) (map[string]api.Resource, error) {
	ids, times := make([]string, len(seen)), make([]api.Time, len(seen))
	for i, r := range seen {
		ids[i], times[i] = r.ID, r.Last
	}
	where := all(is("event.workspace_id = ?", tx.workspace), oneOf("event.occurred", times), oneOf(tx.sql.Plain("event.resource_id"), ids))
	out := make(map[string]api.Resource, len(seen))
	err := tx.Query("select event.resource_id, event.resource\nfrom event\nwhere "+where.sql+"\norder by event.occurred", where.args, func(row *Row) error {
		var id string
		var text jsontext.Value
		if err := row.Scan(&id, &text); err != nil {
			return err
		}
		labels := api.Resource{}
		err := json.Unmarshal(text, &labels)
		out[id] = labels
		return err
	})
	return out, err
}

// HiddenResources lists the paths of the resources that lists leave out.
func (tx *Tx) HiddenResources() ([]string, error) {
	return many(tx, "select path\nfrom hidden_resource\nwhere workspace_id = ?\norder by path", []any{tx.workspace}, func(row *Row) (path string, err error) {
		return path, row.Scan(&path)
	})
}

// HideResource makes lists leave out the resources of a path.
func (tx *Tx) HideResource(path string, now api.Time) error {
	_, err := tx.Exec("insert into hidden_resource (workspace_id, path, created)\nvalues (?, ?, ?)\non conflict do nothing", tx.workspace, path, now)
	return err
}

// ShowResource ends HideResource, and says whether the path was hidden.
func (tx *Tx) ShowResource(path string) (bool, error) {
	return tx.deleteWhere("hidden_resource", all(is("workspace_id = ?", tx.workspace), is("path = ?", path)))
}
