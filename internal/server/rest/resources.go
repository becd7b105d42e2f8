package rest

import (
	"context"
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var resourceRoutes = []route{
	{api.OpReadResourcesHierarchy, "see_events", small, readResourceTree},
	{api.OpFilterWorkspaceResources, "see_events", small, filterResources},
	{api.OpReadResourcesPage, "see_events", small, nextResources},
	{api.OpGetFilteredResourcesCount, "see_events", small, countResources},
	{api.OpFilterRelatedWorkspaceResources, "see_events", small, filterRelated},
	{api.OpReadRelatedResourcesPage, "see_events", small, nextRelated},
	{api.OpGetRelatedResourcesCount, "see_events", small, countRelated},
	{api.OpGetHiddenResources, "see_events", small, readHidden},
	{api.OpHideResourcePath, "manage_events", small, hideResources},
	{api.OpRemoveResourceExclusion, "manage_events", small, showResources},
}

// The bounds of pages of resources.
const (
	resourcePage   = 50
	mostResources  = 200
	deepestInPages = 5000
)

// resourceToken says where the next page of resources begins.
type resourceToken struct {
	Filter api.EventLineageRelatedFilter `json:"filter"`
	Limit  int                           `json:"limit"`
	Offset int                           `json:"offset"`
}

// beginResources is the first page that a request asks for.
func beginResources(limit api.Opt[int], f *api.EventLineageRelatedFilter) *resourceToken {
	at := &resourceToken{Limit: limit.Or(resourcePage)}
	if f == nil {
		return at
	}
	at.Filter = *f
	if f.Limit != nil && !limit.IsSet() {
		at.Limit = *f.Limit
	}
	if f.Offset != nil {
		at.Offset = *f.Offset
	}
	return at
}

// lineage is a filter for resources as one for those that are related to them, of which it
// is a part.
func lineage(f *api.EventLineageFilter) *api.EventLineageRelatedFilter {
	if f == nil {
		return &api.EventLineageRelatedFilter{}
	}
	return &api.EventLineageRelatedFilter{
		ID: f.ID, IDPrefix: f.IDPrefix, Labels: f.Labels, ExcludeID: f.ExcludeID, ExcludeIDPrefix: f.ExcludeIDPrefix, Occurred: f.Occurred,
		Limit: f.Limit, Offset: f.Offset, Order: f.Order, Scope: f.Scope, GroupLevel: f.GroupLevel,
	}
}

// resources lists a page of resources and counts all.
type resources func(c *core.Core, ctx context.Context, who core.Caller, q *core.ResourceQuery, limit, offset int) ([]api.Resource, int, error)

// page reads a page and where the next one begins.
func (list resources) page(c *core.Core, r *request, path string, at *resourceToken) (found []api.Resource, total int, next *string, err error) {
	q, err := c.ReadResourceQuery(&at.Filter)
	if err != nil {
		return nil, 0, nil, err
	}
	found, total, err = list(c, r.Context(), r.who, q, at.Limit, at.Offset)
	if at.Offset += at.Limit; err == nil && at.Limit > 0 && at.Offset < total && at.Offset <= deepestInPages {
		next, err = pageURL(r, path, at)
	}
	return found, total, next, err
}

func (r *request) resourceToken() (*resourceToken, error) {
	text, err := r.queryText("page-token")
	if err != nil {
		return nil, err
	}
	at := &resourceToken{}
	if !readToken(text, at) || at.Limit < 1 || at.Limit > mostResources || at.Offset < 0 || at.Offset > deepestInPages {
		return nil, api.Errorf(api.CodeForbidden, "Forbidden")
	}
	return at, nil
}

func resourcesFrom(c *core.Core, r *request, at *resourceToken) (answer, error) {
	list, total, next, err := resources((*core.Core).Resources).page(c, r, "/api/resources/filter/next", at)
	return give(http.StatusOK, api.ResourcePage{Resources: list, Total: total, NextPage: next}, err)
}

func filterResources(c *core.Core, r *request) (answer, error) {
	var in api.FilterWorkspaceResourcesRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return resourcesFrom(c, r, beginResources(in.Limit, lineage(in.Filter)))
}

func nextResources(c *core.Core, r *request) (answer, error) {
	at, err := r.resourceToken()
	if err != nil {
		return answer{}, err
	}
	return resourcesFrom(c, r, at)
}

func countResources(c *core.Core, r *request) (answer, error) {
	var in api.GetFilteredResourcesCountRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	_, total, _, err := resources((*core.Core).Resources).page(c, r, "", &resourceToken{Filter: *lineage(in.Filter)})
	return give(http.StatusOK, total, err)
}

func relatedFrom(c *core.Core, r *request, at *resourceToken) (answer, error) {
	list, total, next, err := resources((*core.Core).RelatedResources).page(c, r, "/api/resources/related/next", at)
	page := api.RelatedResourcePage{Resources: []api.RelatedResourceResult{}, Total: total, NextPage: next}
	if len(list) > 0 {
		direction := at.Filter.Direction.Or(api.EventDirectionDownstream)
		page.Resources = append(page.Resources, api.RelatedResourceResult{Direction: string(direction), Resources: list})
	}
	return give(http.StatusOK, page, err)
}

func filterRelated(c *core.Core, r *request) (answer, error) {
	var in api.FilterRelatedWorkspaceResourcesRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return relatedFrom(c, r, beginResources(in.Limit, in.Filter))
}

func nextRelated(c *core.Core, r *request) (answer, error) {
	at, err := r.resourceToken()
	if err != nil {
		return answer{}, err
	}
	return relatedFrom(c, r, at)
}

func countRelated(c *core.Core, r *request) (answer, error) {
	var in api.GetRelatedResourcesCountRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	at := &resourceToken{}
	if in.Filter != nil {
		at.Filter = *in.Filter
	}
	_, total, _, err := resources((*core.Core).RelatedResources).page(c, r, "", at)
	return give(http.StatusOK, total, err)
}

func readResourceTree(c *core.Core, r *request) (answer, error) {
	var in api.ReadResourcesHierarchyRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	q, err := c.ReadResourceQuery(lineage(in.Filter))
	if err != nil {
		return answer{}, err
	}
	list, err := c.ResourceTree(r.Context(), r.who, q, in.Depth, in.Limit.Or(resourcePage))
	return give(http.StatusOK, list, err)
}

func readHidden(c *core.Core, r *request) (answer, error) {
	paths, err := c.HiddenResources(r.Context(), r.who)
	return give(http.StatusOK, api.ResourceExclusions{Paths: paths}, err)
}

func hideResources(c *core.Core, r *request) (answer, error) {
	var in api.ResourceExclusionList
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, true, c.HideResources(r.Context(), r.who, in.Paths))
}

func showResources(c *core.Core, r *request) (answer, error) {
	var in api.ResourceExclusionList
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	was, err := c.ShowResources(r.Context(), r.who, in.Paths)
	return give(http.StatusOK, was, err)
}
