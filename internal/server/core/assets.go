package core

import (
	"context"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/asset"
	"github.com/usherhq/usher/internal/store"
)

// AssetEvent is a materialization of an asset or a reference to one.
type AssetEvent = asset.Event

// AssetEventKind is Materialization or Reference.
type AssetEventKind = asset.Kind

// The kinds of events about assets.
const (
	Materialization = asset.Materialization
	Reference       = asset.Reference
)

// catalogue notes what new events tell of assets; from is the workspace that they were
// published by, nil for those of this one.
func (w *work) catalogue(fresh []*api.ReceivedEvent, from *uuid.UUID) error {
	for _, e := range fresh {
		told := asset.Read(e)
		if told == nil {
			continue
		}
		told.OriginatingWorkspace = from
		if err := w.CatalogueAsset(told); err != nil {
			return err
		}
	}
	return nil
}

// Assets lists the assets whose keys begin with prefix and contain search, by key.
func (c *Core) Assets(ctx context.Context, who Caller, prefix, search string) ([]api.AssetCatalogItem, error) {
	q := store.AssetQuery{}
	if prefix != "" {
		q.Prefixes = []string{prefix}
	}
	if search != "" {
		q.Texts = []string{search}
	}
	return value(ctx, c, who, func(tx *store.Tx) ([]api.AssetCatalogItem, error) { return tx.Assets(&q, -1) })
}

// Asset returns an asset by its key.
func (c *Core) Asset(ctx context.Context, who Caller, key string) (*api.AssetCatalogItem, error) {
	return value(ctx, c, who, func(tx *store.Tx) (*api.AssetCatalogItem, error) { return foundAsset(tx, key) })
}

func foundAsset(tx *store.Tx, key string) (*api.AssetCatalogItem, error) {
	return found("Asset", func() (*api.AssetCatalogItem, error) { return tx.Asset(key) })
}

// DeleteAsset removes an asset from the catalogue. Its next event brings it back.
func (c *Core) DeleteAsset(ctx context.Context, who Caller, key string) error {
	return c.write(ctx, who, func(w *work) error {
		_, err := found("Asset", func() (bool, error) { return true, w.Tx.DeleteAsset(key) })
		return err
	})
}

// AssetDependencies lists of which assets all assets were made last.
func (c *Core) AssetDependencies(ctx context.Context, who Caller) ([]api.AssetDependency, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.AssetDependency, error) { return tx.AssetDependencies(nil) })
}

// AssetNeighbors is an asset with those that it was made of and those that were made of it.
func (c *Core) AssetNeighbors(ctx context.Context, who Caller, key string) (*api.AssetGraph, error) {
	return value(ctx, c, who, func(tx *store.Tx) (*api.AssetGraph, error) {
		if _, err := foundAsset(tx, key); err != nil {
			return nil, err
		}
		edges, err := tx.AssetDependencies(&[]string{key})
		if err != nil {
			return nil, err
		}
		g := &api.AssetGraph{RootAssetKey: key, Dependencies: make([]api.AssetGraphDependency, len(edges))}
		keys := map[string]bool{key: true}
		for i, edge := range edges {
			g.Dependencies[i] = api.AssetGraphDependency{UpstreamAssetKey: edge.Upstream, DownstreamAssetKey: edge.Downstream}
			keys[edge.Upstream], keys[edge.Downstream] = true, true
		}
		list := slices.Sorted(maps.Keys(keys))
		assets, err := tx.Assets(&store.AssetQuery{Keys: &list}, -1)
		if err != nil {
			return nil, err
		}
		byKey := make(map[string]api.AssetCatalogItem, len(assets))
		for _, a := range assets {
			byKey[a.Key] = a
		}
		g.Assets, err = json.Marshal(byKey, json.Deterministic(true))
		return g, err
	})
}

// AssetPage lists up to limit assets that a filter selects and that are behind a key, with
// what they and what was made of them depend on, and counts all of them.
func (c *Core) AssetPage(ctx context.Context, who Caller, in *api.AssetFilter, behind string, limit int) (*api.AssetGraphPage, error) {
	q := store.AssetQuery{}
	if in.Key != nil {
		if in.Key.Any != nil {
			q.Keys = &in.Key.Any
		}
		q.Prefixes, q.Texts = in.Key.Prefix, in.Key.Search
	}
	if in.Occurred != nil {
		q.Seen, q.Since, q.Until = true, in.Occurred.Since, in.Occurred.Until
	}
	related, err := c.readAssetRelated(in)
	if err != nil {
		return nil, err
	}
	return value(ctx, c, who, func(tx *store.Tx) (*api.AssetGraphPage, error) {
		if related != nil {
			if err := onlyRelated(tx, related, &q); err != nil {
				return nil, err
			}
		}
		total, err := tx.CountAssets(&q)
		if err != nil {
			return nil, err
		}
		if behind != "" {
			q.Behind = &behind
		}
		assets, err := tx.Assets(&q, limit)
		if err != nil {
			return nil, err
		}
		keys := make([]string, len(assets))
		for i := range assets {
			keys[i] = assets[i].Key
		}
		edges, err := tx.AssetDependencies(&keys)
		return &api.AssetGraphPage{Assets: assets, Dependencies: edges, Total: total}, err
	})
}

// readAssetRelated turns what a filter says of resources that are related to assets into a
// question about their events; nil if it says nothing.
func (c *Core) readAssetRelated(in *api.AssetFilter) (*EventQuery, error) {
	if in.Related == nil {
		return nil, nil
	}
	related, err := json.Marshal(in.Related)
	if err != nil {
		return nil, err
	}
	q := &api.EventFilter{Event: &api.EventNameFilter{Name: asset.Names}, Related: related}
	if in.Occurred != nil {
		q.Occurred = &api.EventOccurredFilter{Since: in.Occurred.Since, Until: in.Occurred.Until}
	}
	return c.ReadEventQuery(q)
}

// onlyRelated narrows a question about assets to those that events tell of.
func onlyRelated(tx *store.Tx, events *EventQuery, q *store.AssetQuery) error {
	keys := map[string]bool{}
	err := events.each(tx, func(e *api.ReceivedEvent) { keys[e.Resource["prefect.resource.id"]] = true })
	if err != nil {
		return err
	}
	list := slices.Sorted(maps.Keys(keys))
	if q.Keys != nil {
		list = slices.DeleteFunc(list, func(key string) bool { return !slices.Contains(*q.Keys, key) })
	}
	q.Keys = &list
	return nil
}

// AssetEventQuery says which events about assets are asked for.
type AssetEventQuery = store.AssetEventQuery

// mostAssetEvents is how many events about assets are listed at once.
const mostAssetEvents = 1000

// AssetEvents lists events about assets by their times, at most a thousand.
func (c *Core) AssetEvents(ctx context.Context, who Caller, q AssetEventQuery) ([]AssetEvent, error) {
	q.Limit = mostAssetEvents
	return value(ctx, c, who, func(tx *store.Tx) ([]AssetEvent, error) {
		if q.Key != nil {
			if _, err := foundAsset(tx, *q.Key); err != nil {
				return nil, err
			}
		}
		return tx.AssetEvents(&q)
	})
}

// AssetEvent returns one event about an asset.
func (c *Core) AssetEvent(ctx context.Context, who Caller, kind AssetEventKind, key string, id uuid.UUID) (*AssetEvent, error) {
	return value(ctx, c, who, func(tx *store.Tx) (*AssetEvent, error) { return foundAssetEvent(tx, kind, key, id) })
}

func foundAssetEvent(tx *store.Tx, kind AssetEventKind, key string, id uuid.UUID) (*AssetEvent, error) {
	list, err := tx.AssetEvents(&AssetEventQuery{Kind: kind, Key: &key, ID: &id, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, api.Errorf(api.CodeNotFound, "Asset %s not found", kind)
	}
	return &list[0], nil
}

// UpstreamMaterializations lists, for each asset that a materialization was made of, how it
// had been made last by then.
func (c *Core) UpstreamMaterializations(ctx context.Context, who Caller, key string, id uuid.UUID) ([]AssetEvent, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]AssetEvent, error) {
		of, err := foundAssetEvent(tx, Materialization, key, id)
		if err != nil {
			return nil, err
		}
		return tx.LatestMaterializations(of.Upstream, of.Occurred)
	})
}

// AssetEventsOfFlowRun lists events about assets of a flow run and of the runs that it has
// started, up to depth levels below it; a depth below zero is none.
func (c *Core) AssetEventsOfFlowRun(ctx context.Context, who Caller, run uuid.UUID, depth int, q AssetEventQuery) ([]AssetEvent, error) {
	return c.assetEventsOf(ctx, who, q, func(tx *store.Tx, q *AssetEventQuery) (err error) {
		if err = isThere(tx, FlowRunKind, "Flow run", run); err != nil {
			return err
		}
		q.FlowRuns, err = tx.RunsBelow([]uuid.UUID{run}, depth)
		return err
	})
}

// AssetEventsOfTaskRun is AssetEventsOfFlowRun for a task run: the flow run that it stands
// for is one level below it.
func (c *Core) AssetEventsOfTaskRun(ctx context.Context, who Caller, run uuid.UUID, depth int, q AssetEventQuery) ([]AssetEvent, error) {
	return c.assetEventsOf(ctx, who, q, func(tx *store.Tx, q *AssetEventQuery) (err error) {
		if err = isThere(tx, TaskRunKind, "Task", run); err != nil {
			return err
		}
		q.TaskRuns = []uuid.UUID{run}
		if depth == 0 {
			return nil
		}
		if q.FlowRuns, err = tx.RunsOfTask(run); err != nil {
			return err
		}
		q.FlowRuns, err = tx.RunsBelow(q.FlowRuns, depth-1)
		return err
	})
}

func (c *Core) assetEventsOf(ctx context.Context, who Caller, q AssetEventQuery, runs func(*store.Tx, *AssetEventQuery) error) ([]AssetEvent, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]AssetEvent, error) {
		of := q
		of.Limit = mostAssetEvents
		if err := runs(tx, &of); err != nil {
			return nil, err
		}
		return tx.AssetEvents(&of)
	})
}

// isThere refuses what is about something that is not there, which people call what.
func isThere(tx *store.Tx, kind, what string, id uuid.UUID) error {
	there, err := tx.Exists(kind, id)
	if err == nil && !there {
		err = api.NotFound(what)
	}
	return err
}
