package rest

import (
	"context"
	"math"
	"net/http"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var assetRoutes = []route{
	{api.OpListAssets, "see_assets", small, listAssets},
	{api.OpReadAsset, "see_assets", small, readAsset},
	{api.OpDeleteAsset, "manage_assets", small, deleteAsset},
	{api.OpLatestDependencies, "see_assets", small, latestDependencies},
	{api.OpGetAssetNeighbors, "see_assets", small, assetNeighbors},
	{api.OpFilterAssets, "see_assets", small, filterAssets},
	{api.OpFilterAssetsPage, "see_assets", small, filterAssetsPage},
	{api.OpListAssetMaterializations, "see_assets", small, assetEvents(core.Materialization)},
	{api.OpListAssetReferences, "see_assets", small, assetEvents(core.Reference)},
	{api.OpReadAssetMaterialization, "see_assets", small, assetEvent(core.Materialization)},
	{api.OpReadAssetReference, "see_assets", small, assetEvent(core.Reference)},
	{api.OpGetUpstreamMaterializations, "see_assets", small, upstreamMaterializations},
	{api.OpGetFlowRunMaterializations, "see_assets", small, runAssetEvents(core.Materialization, (*core.Core).AssetEventsOfFlowRun)},
	{api.OpGetFlowRunReferences, "see_assets", small, runAssetEvents(core.Reference, (*core.Core).AssetEventsOfFlowRun)},
	{api.OpGetTaskRunMaterializations, "see_assets", small, runAssetEvents(core.Materialization, (*core.Core).AssetEventsOfTaskRun)},
	{api.OpGetTaskRunReferences, "see_assets", small, runAssetEvents(core.Reference, (*core.Core).AssetEventsOfTaskRun)},
}

func listAssets(c *core.Core, r *request) (answer, error) {
	query := r.URL.Query()
	list, err := c.Assets(r.Context(), r.who, query.Get("prefix"), query.Get("search"))
	return give(http.StatusOK, list, err)
}

func readAsset(c *core.Core, r *request) (answer, error) {
	key, err := r.queryText("key")
	if err != nil {
		return answer{}, err
	}
	a, err := c.Asset(r.Context(), r.who, key)
	return give(http.StatusOK, a, err)
}

func deleteAsset(c *core.Core, r *request) (answer, error) {
	key, err := r.queryText("key")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteAsset(r.Context(), r.who, key))
}

func latestDependencies(c *core.Core, r *request) (answer, error) {
	list, err := c.AssetDependencies(r.Context(), r.who)
	return give(http.StatusOK, list, err)
}

func assetNeighbors(c *core.Core, r *request) (answer, error) {
	key, err := r.queryText("key")
	if err != nil {
		return answer{}, err
	}
	if key == "" {
		return answer{}, badQuery("key", "string_too_short", "String should have at least 1 character", key)
	}
	g, err := c.AssetNeighbors(r.Context(), r.who, key)
	return give(http.StatusOK, g, err)
}

// assetPage is how many assets a page has if nobody says so, mostAssets how many at most.
const (
	assetPage  = 50
	mostAssets = 200
)

// assetToken says where the next page of assets begins.
type assetToken struct {
	Filter api.AssetFilter `json:"filter"`
	Limit  int             `json:"limit"`
	Behind string          `json:"behind"`
}

func filterAssets(c *core.Core, r *request) (answer, error) {
	var in api.FilterAssetsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	at := assetToken{Limit: in.Limit.Or(assetPage)}
	if in.Filter != nil {
		at.Filter = *in.Filter
	}
	return assetsFrom(c, r, &at)
}

func filterAssetsPage(c *core.Core, r *request) (answer, error) {
	text, err := r.queryText("page-token")
	if err != nil {
		return answer{}, err
	}
	var at assetToken
	if !readToken(text, &at) || at.Limit < 1 || at.Limit > mostAssets {
		return answer{}, api.Errorf(api.CodeForbidden, "Forbidden")
	}
	return assetsFrom(c, r, &at)
}

func assetsFrom(c *core.Core, r *request, at *assetToken) (answer, error) {
	page, err := c.AssetPage(r.Context(), r.who, &at.Filter, at.Behind, at.Limit)
	if err != nil {
		return answer{}, err
	}
	if n := len(page.Assets); n > 0 && n == at.Limit {
		at.Behind = page.Assets[n-1].Key
		page.NextPage, err = pageURL(r, "/api/assets/filter/next", at)
	}
	return give(http.StatusOK, page, err)
}

// assetEvents lists what happened to an asset.
func assetEvents(kind core.AssetEventKind) handler {
	return func(c *core.Core, r *request) (answer, error) {
		key, err := r.queryText("key")
		if err != nil {
			return answer{}, err
		}
		q, err := r.assetEventQuery(kind)
		if err != nil {
			return answer{}, err
		}
		q.Key = &key
		list, err := c.AssetEvents(r.Context(), r.who, q)
		return give(http.StatusOK, materializations(list), err)
	}
}

func (r *request) assetEventQuery(kind core.AssetEventKind) (q core.AssetEventQuery, err error) {
	q.Kind = kind
	if q.Since, err = r.queryTimePtr("since"); err != nil {
		return q, err
	}
	if q.Until, err = r.queryTimePtr("until"); err != nil {
		return q, err
	}
	sort, err := r.queryChoice("sort", "desc", "asc")
	q.OldestFirst = sort == "asc"
	return q, err
}

func assetEvent(kind core.AssetEventKind) handler {
	return func(c *core.Core, r *request) (answer, error) {
		key, id, err := r.assetEvent()
		if err != nil {
			return answer{}, err
		}
		e, err := c.AssetEvent(r.Context(), r.who, kind, key, id)
		if err != nil {
			return answer{}, err
		}
		return ok(materialization(e))
	}
}

// assetEvent reads which event about which asset is meant.
func (r *request) assetEvent() (key string, id uuid.UUID, err error) {
	if id, err = r.id("event_id"); err != nil {
		return key, id, err
	}
	key, err = r.queryText("key")
	return key, id, err
}

func upstreamMaterializations(c *core.Core, r *request) (answer, error) {
	key, id, err := r.assetEvent()
	if err != nil {
		return answer{}, err
	}
	list, err := c.UpstreamMaterializations(r.Context(), r.who, key, id)
	return give(http.StatusOK, materializations(list), err)
}

// runAssetEvents lists what a run and those below it did to assets.
func runAssetEvents(kind core.AssetEventKind, of func(*core.Core, context.Context, core.Caller, uuid.UUID, int, core.AssetEventQuery) ([]core.AssetEvent, error)) handler {
	return func(c *core.Core, r *request) (answer, error) {
		id, err := r.id("id")
		if err != nil {
			return answer{}, err
		}
		depth, err := r.queryInt("depth", -1, 0, math.MaxInt32)
		if err != nil {
			return answer{}, err
		}
		q, err := r.assetEventQuery(kind)
		if err != nil {
			return answer{}, err
		}
		list, err := of(c, r.Context(), r.who, id, depth, q)
		if kind == core.Reference {
			return give(http.StatusOK, references(list), err)
		}
		return give(http.StatusOK, materializations(list), err)
	}
}

func materializations(list []core.AssetEvent) []api.MaterializationEvent {
	out := make([]api.MaterializationEvent, len(list))
	for i := range list {
		out[i] = materialization(&list[i])
	}
	return out
}

// materialization is an event as the contract tells it. Of references, which it tells in
// the same form, only successful ones are sent. The task run of an event that names none has
// the id of zeros.
func materialization(e *core.AssetEvent) api.MaterializationEvent {
	p, status := e.Properties, "succeeded"
	if e.Status != nil {
		status = *e.Status
	}
	return api.MaterializationEvent{
		AssetKey: e.Key, Occurred: e.Occurred, Status: status, TaskRunID: taskOf(e), FlowRunID: e.FlowRunID, EventID: e.ID, Metadata: e.Metadata,
		Name: p.Name, URL: p.URL, Description: p.Description, Owners: p.Owners, UpstreamAssets: e.Upstream, ByTools: e.Tools, OriginatingWorkspaceID: e.OriginatingWorkspace,
	}
}

func references(list []core.AssetEvent) []api.ReferenceEvent {
	out := make([]api.ReferenceEvent, len(list))
	for i := range list {
		e, p := &list[i], list[i].Properties
		out[i] = api.ReferenceEvent{
			AssetKey: e.Key, Occurred: e.Occurred, TaskRunID: taskOf(e), FlowRunID: e.FlowRunID, EventID: e.ID, Metadata: e.Metadata,
			Name: p.Name, URL: p.URL, Description: p.Description, Owners: p.Owners, OriginatingWorkspaceID: e.OriginatingWorkspace,
		}
	}
	return out
}

func taskOf(e *core.AssetEvent) uuid.UUID {
	if e.TaskRunID == nil {
		return uuid.Nil
	}
	return *e.TaskRunID
}
