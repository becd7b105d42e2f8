package core

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/store"
)

// resourcePast is how far back a question about resources looks that does not say so itself.
const resourcePast = 14 * 24 * time.Hour

// ResourceQuery is a question about the resources that events tell of.
type ResourceQuery struct {
	in     *api.EventLineageRelatedFilter
	labels filter.Labels
	window filter.Event // which events count
}

// ReadResourceQuery reads a filter. What it leaves open is filled in: it begins two weeks
// ago and ends now.
func (c *Core) ReadResourceQuery(in *api.EventLineageRelatedFilter) (*ResourceQuery, error) {
	labels, err := filter.ParseLabels(in.Labels.Or(nil))
	if err != nil {
		return nil, err
	}
	if in.Occurred == nil {
		in.Occurred = &api.LineageResourceOccurredFilter{}
	}
	now := c.now()
	if in.Occurred.Since == nil {
		in.Occurred.Since = api.AtPtr(now.Add(-resourcePast))
	}
	if in.Occurred.Until == nil {
		in.Occurred.Until = &now
	}
	q := &ResourceQuery{in: in, labels: labels}
	q.window.Since, q.window.Until = &in.Occurred.Since.Time, &in.Occurred.Until.Time
	return q, nil
}

// isElsewhere says that the query is about other workspaces than the caller's.
func (q *ResourceQuery) isElsewhere(who Caller) bool {
	return q.in.Scope != nil && len(q.in.Scope.Workspace) > 0 && !slices.Contains(q.in.Scope.Workspace, who.Workspace)
}

// leaves says that a resource is left out: the query excludes it, or it is hidden.
func (q *ResourceQuery) leaves(id string, hidden []string) bool {
	hasPrefix := func(prefix string) bool { return strings.HasPrefix(id, prefix) }
	return slices.Contains(q.in.ExcludeID, id) || slices.ContainsFunc(q.in.ExcludeIDPrefix, hasPrefix) ||
		slices.ContainsFunc(hidden, func(path string) bool { return isBelow(id, path) })
}

// isBelow says that an id is a path or goes on from it.
func isBelow(id, path string) bool {
	rest, ok := strings.CutPrefix(id, path)
	return ok && (rest == "" || isSeparator(rest[0]) || isSeparator(path[len(path)-1]))
}

func isSeparator(b byte) bool { return b == '.' || b == '/' || b == ':' }

// head is the beginning of an id with so many parts, which points, slashes and colons part.
func head(id string, parts int) string {
	for i := 1; i < len(id); i++ {
		if isSeparator(id[i]) && !isSeparator(id[i-1]) {
			if parts--; parts == 0 {
				return id[:i]
			}
		}
	}
	return id
}

// Resources lists resources that events were about, those of the newest events first unless
// the query says otherwise, and counts all of them.
func (c *Core) Resources(ctx context.Context, who Caller, q *ResourceQuery, limit, offset int) (page []api.Resource, total int, err error) {
	page = []api.Resource{}
	err = c.read(ctx, who, func(tx *store.Tx) error {
		seen, err := q.seen(tx, who)
		if err != nil {
			return err
		}
		total = len(seen)
		seen = seen[min(offset, total):min(offset+limit, total)]
		labels, err := tx.ResourceLabels(seen)
		for _, r := range seen {
			page = append(page, labels[r.ID])
		}
		return err
	})
	return page, total, err
}

// seen lists what the query selects; of each group only the one that was seen last.
func (q *ResourceQuery) seen(tx *store.Tx, who Caller) ([]store.SeenResource, error) {
	if q.isElsewhere(who) {
		return nil, nil
	}
	hidden, err := tx.HiddenResources()
	if err != nil {
		return nil, err
	}
	want := q.window
	want.Resource = filter.Resources{IDs: q.in.ID, Prefixes: q.in.IDPrefix}
	seen, err := tx.SeenResources(&want, q.in.Order.Or(api.EventOrderDesc))
	if err != nil {
		return nil, err
	}
	seen = slices.DeleteFunc(seen, func(r store.SeenResource) bool { return q.leaves(r.ID, hidden) })
	if seen, err = q.labelled(tx, seen); err != nil || q.in.GroupLevel == nil {
		return seen, err
	}
	groups := map[string]bool{}
	return slices.DeleteFunc(seen, func(r store.SeenResource) bool {
		group := head(r.ID, *q.in.GroupLevel)
		known := groups[group]
		groups[group] = true
		return known
	}), nil
}

// labelBatch is for how many resources labels are read at a time.
const labelBatch = 250

// labelled leaves out the resources whose labels the query does not select.
func (q *ResourceQuery) labelled(tx *store.Tx, seen []store.SeenResource) ([]store.SeenResource, error) {
	if len(q.labels) == 0 {
		return seen, nil
	}
	var kept []store.SeenResource
	for batch := range slices.Chunk(seen, labelBatch) {
		labels, err := tx.ResourceLabels(batch)
		if err != nil {
			return nil, err
		}
		for _, r := range batch {
			if q.labels.Matches(labels[r.ID]) {
				kept = append(kept, r)
			}
		}
	}
	return kept, nil
}

// ResourcePath is a place in the tree that the ids of resources make.
type ResourcePath struct {
	Path        string `json:"path"`
	Count       int    `json:"count"` // of resources at it and below
	HasChildren bool   `json:"has_children"`
}

// ResourceTree lists up to limit places at a depth of the tree of resources, by their paths.
func (c *Core) ResourceTree(ctx context.Context, who Caller, q *ResourceQuery, depth, limit int) ([]ResourcePath, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]ResourcePath, error) {
		seen, err := q.seen(tx, who)
		if err != nil {
			return nil, err
		}
		at := map[string]ResourcePath{}
		for _, r := range seen {
			path := head(r.ID, depth+1)
			p := at[path]
			at[path] = ResourcePath{path, p.Count + 1, p.HasChildren || path != r.ID}
		}
		list := []ResourcePath{}
		for _, path := range slices.Sorted(maps.Keys(at)) {
			if len(list) < limit {
				list = append(list, at[path])
			}
		}
		return list, nil
	})
}

// RelatedResources lists what events name together with resources: upstream of these is what
// their events are related to, downstream is what the events are about that are related to
// them. It counts all of them.
func (c *Core) RelatedResources(ctx context.Context, who Caller, q *ResourceQuery, limit, offset int) (page []api.Resource, total int, err error) {
	page = []api.Resource{}
	err = c.read(ctx, who, func(tx *store.Tx) error {
		if q.isElsewhere(who) {
			return nil
		}
		hidden, err := tx.HiddenResources()
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		found := func(r api.Resource) {
			id := r["prefect.resource.id"]
			if seen[id] || q.leaves(id, hidden) {
				return
			}
			seen[id] = true
			if total++; total > offset && len(page) < limit {
				page = append(page, r)
			}
		}
		return q.eachRelated(tx, found)
	})
	return page, total, err
}

func (q *ResourceQuery) eachRelated(tx *store.Tx, found func(api.Resource)) error {
	want, of := q.window, filter.Resources{IDs: q.in.ID, Prefixes: q.in.IDPrefix, Labels: q.labels}
	order := q.in.Order.Or(api.EventOrderDesc)
	hasRole := func(r api.Resource) bool {
		role := r["prefect.resource.role"]
		return (len(q.in.RelatedRole) == 0 || slices.Contains(q.in.RelatedRole, role)) && !slices.Contains(q.in.ExcludeRelatedRole, role)
	}
	if q.in.Direction.Or(api.EventDirectionDownstream) == api.EventDirectionUpstream {
		want.Resource = of
		return tx.EachEvent(&want, order, func(e *api.ReceivedEvent) error {
			if of.Matches(e.Resource) {
				for _, r := range e.Related {
					if hasRole(r) {
						found(r)
					}
				}
			}
			return nil
		})
	}
	if len(of.IDs) > 0 {
		want.Related = []filter.Related{{IDs: of.IDs}}
	}
	return tx.EachEvent(&want, order, func(e *api.ReceivedEvent) error {
		if slices.ContainsFunc(e.Related, func(r api.Resource) bool { return of.Matches(r) && hasRole(r) }) {
			found(e.Resource)
		}
		return nil
	})
}

// HiddenResources lists the paths of the resources that lists leave out.
func (c *Core) HiddenResources(ctx context.Context, who Caller) ([]string, error) {
	return value(ctx, c, who, (*store.Tx).HiddenResources)
}

// HideResources makes lists leave out the resources of paths, and those below them.
func (c *Core) HideResources(ctx context.Context, who Caller, paths []string) error {
	for _, path := range paths {
		if path == "" {
			return api.Errorf(api.CodeInvalid, "A path of resources has at least one character.")
		}
	}
	return c.write(ctx, who, func(w *work) error {
		for _, path := range paths {
			if err := w.HideResource(path, w.now); err != nil {
				return err
			}
		}
		return nil
	})
}

// ShowResources ends HideResources, and says whether any of the paths was hidden.
func (c *Core) ShowResources(ctx context.Context, who Caller, paths []string) (was bool, err error) {
	err = c.write(ctx, who, func(w *work) error {
		was = false
		for _, path := range paths {
			one, err := w.ShowResource(path)
			if err != nil {
				return err
			}
			was = was || one
		}
		return nil
	})
	return was, err
}
