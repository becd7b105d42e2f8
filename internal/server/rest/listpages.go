package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// Lists in pages that are counted from 1, and the small lists of the hosted service's pages.
var listPageRoutes = []route{
	{api.OpPaginateConcurrencyLimitsV2, "see_concurrency_limits", small, paginateLimits},
	{api.OpPaginateWorkPools, "see_work_pools", small, paginateWorkPools},
	{api.OpPaginateWorkQueuesInWorkPools, "see_work_queues", small, paginatePoolQueues},
	{api.OpPaginateWorkQueues, "see_work_queues", small, paginateWorkQueues},
	{api.OpPaginateWorkers, "see_workers", small, paginateWorkers},
	{api.OpReadWorker, "see_workers", small, readWorker},
	{api.OpReadFlowRunsMinimal, "see_flows", medium, readMinimalFlowRuns},
	{api.OpReadFlowRunHistoryV2, "see_flows", medium, readFlowRunHistoryPage},
	{api.OpCountFlowRunsByWorkPool, "see_flows", medium, countFlowRunsByPool},
	{api.OpListTags, "see_tags", small, readTags},
	{api.OpDeleteWorkspaceTag, "manage_tags", small, deleteTag},
	{api.OpCreateUserPin, "see_flows", small, createPin},
	{api.OpReadUserPins, "see_flows", small, readPins},
	{api.OpDeleteUserPin, "see_flows", small, deletePin},
}

func paginateLimits(c *core.Core, r *request) (answer, error) {
	var in api.PaginateConcurrencyLimitsV2Request
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	page, err := c.LimitsPage(r.Context(), r.who, limit, in.Page.Or(1))
	return give(http.StatusOK, page, err)
}

func paginateWorkPools(c *core.Core, r *request) (answer, error) {
	var in api.PaginateWorkPoolsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	page, err := c.WorkPoolsPage(r.Context(), r.who, in.WorkPools, in.Sort.Or(""), in.IncludeBaseJobTemplate.Or(false), limit, in.Page.Or(1))
	return give(http.StatusOK, page, err)
}

func paginatePoolQueues(c *core.Core, r *request) (answer, error) {
	var in api.PaginateWorkQueuesInWorkPoolsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	page, err := c.PoolQueuesPage(r.Context(), r.who, r.PathValue("work_pool_name"), in.WorkQueues, limit, in.Page.Or(1))
	return give(http.StatusOK, page, err)
}

func paginateWorkQueues(c *core.Core, r *request) (answer, error) {
	var in api.PaginateWorkQueuesRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	page, err := c.WorkQueuesPage(r.Context(), r.who, in.WorkQueues, limit, in.Page.Or(1))
	return give(http.StatusOK, page, err)
}

func paginateWorkers(c *core.Core, r *request) (answer, error) {
	var in api.PaginateWorkersRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	page, err := c.WorkersPage(r.Context(), r.who, r.PathValue("work_pool_name"), in.Workers, in.Sort.Or(""), limit, in.Page.Or(1))
	return give(http.StatusOK, page, err)
}

func readWorker(c *core.Core, r *request) (answer, error) {
	id, err := r.id("worker_id")
	if err != nil {
		return answer{}, err
	}
	w, err := c.Worker(r.Context(), r.who, r.PathValue("work_pool_name"), id)
	return give(http.StatusOK, w, err)
}

func readMinimalFlowRuns(c *core.Core, r *request) (answer, error) {
	var in api.ReadFlowRunsMinimalRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	f := core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools, WorkQueues: in.WorkPoolQueues,
	}
	list, err := c.MinimalFlowRuns(r.Context(), r.who, f, in.Sort.Or(api.FlowRunSortIDDesc), limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

// mostHistory is the most flow runs of a page of their history.
const mostHistory = 5000

func readFlowRunHistoryPage(c *core.Core, r *request) (answer, error) {
	var in api.ReadFlowRunHistoryV2Request
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools, WorkQueues: in.WorkPoolQueues,
	}
	page, err := c.FlowRunHistoryPage(r.Context(), r.who, f, in.Sort.Or(api.FlowRunSortExpectedStartTimeDesc), max(in.Limit.Or(mostHistory), 0), in.Page.Or(1))
	return give(http.StatusOK, page, err)
}

func countFlowRunsByPool(c *core.Core, r *request) (answer, error) {
	var in api.CountFlowRunsByWorkPoolRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	counts, err := c.CountFlowRunsByPool(r.Context(), r.who, in.WorkPoolIDs, in.FlowRuns)
	return give(http.StatusOK, counts, err)
}

func readTags(c *core.Core, r *request) (answer, error) {
	limit, err := r.queryInt("limit", api.MaxPage, 0, api.MaxPage)
	if err != nil {
		return answer{}, err
	}
	const mostPages = 1 << 20
	page, err := r.queryInt("page", 1, 1, mostPages)
	if err != nil {
		return answer{}, err
	}
	sort, err := r.queryChoice("sort", core.TagSorts...)
	if err != nil {
		return answer{}, err
	}
	list, err := c.TagsPage(r.Context(), r.who, r.URL.Query().Get("search"), sort, limit, page)
	return give(http.StatusOK, list, err)
}

func deleteTag(c *core.Core, r *request) (answer, error) {
	tag, err := r.queryText("tag")
	if err == nil && tag == "" {
		err = badQuery("tag", "string_too_short", "String should have at least 1 character", tag)
	}
	if err != nil {
		return answer{}, err
	}
	return none(c.HideTag(r.Context(), r.who, tag))
}

func createPin(c *core.Core, r *request) (answer, error) {
	var in api.UserPinCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	pin, err := c.Pin(r.Context(), r.who, &in)
	return give(http.StatusCreated, pin, err)
}

func readPins(c *core.Core, r *request) (answer, error) {
	var in api.ReadUserPinsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.Pins(r.Context(), r.who, in.ResourceType.Or(nil), limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func deletePin(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.Unpin(r.Context(), r.who, id))
}
