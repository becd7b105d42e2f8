package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var flowRoutes = []route{
	{api.OpCreateFlow, "run_flows", medium, createFlow},
	{api.OpReadFlow, "see_flows", small, readFlow},
	{api.OpReadFlowByName, "see_flows", small, readFlowByName},
	{api.OpReadFlows, "see_flows", small, readFlows},
	{api.OpCountFlows, "see_flows", small, countFlows},
	{api.OpPaginateFlows, "see_flows", small, paginateFlows},
	{api.OpUpdateFlow, "run_flows", small, updateFlow},
	{api.OpDeleteFlow, "manage_flows", small, deleteFlow},
	{api.OpBulkDeleteFlows, "manage_flows", small, deleteFlows},
}

// mostInBulk is the most objects that one request deletes or moves.
const mostInBulk = 50

func createFlow(c *core.Core, r *request) (answer, error) {
	var in api.FlowCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	flow, isNew, err := c.CreateFlow(r.Context(), r.who, &in)
	return give(madeOrFound(isNew), flow, err)
}

func readFlow(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	flow, err := c.Flow(r.Context(), r.who, id)
	return give(http.StatusOK, flow, err)
}

func readFlowByName(c *core.Core, r *request) (answer, error) {
	flow, err := c.FlowByName(r.Context(), r.who, r.PathValue("name"))
	return give(http.StatusOK, flow, err)
}

func readFlows(c *core.Core, r *request) (answer, error) {
	var in api.ReadFlowsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools}
	flows, err := c.Flows(r.Context(), r.who, f, in.Sort.Or(api.FlowSortNameAsc), limit, in.Offset.Or(0))
	return give(http.StatusOK, flows, err)
}

func countFlows(c *core.Core, r *request) (answer, error) {
	var in api.CountFlowsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools}
	n, err := c.CountFlows(r.Context(), r.who, f)
	return give(http.StatusOK, n, err)
}

func paginateFlows(c *core.Core, r *request) (answer, error) {
	var in api.PaginateFlowsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools}
	out, err := c.FlowPage(r.Context(), r.who, f, in.Sort.Or(api.FlowSortNameAsc), limit, in.Page.Or(1))
	return give(http.StatusOK, out, err)
}

func updateFlow(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.FlowUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.UpdateFlow(r.Context(), r.who, id, &in))
}

func deleteFlow(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteFlow(r.Context(), r.who, id))
}

func deleteFlows(c *core.Core, r *request) (answer, error) {
	var in api.BulkDeleteFlowsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	ids, err := c.DeleteFlows(r.Context(), r.who, core.Filters{Flows: in.Flows}, in.Limit.Or(mostInBulk))
	return give(http.StatusOK, api.FlowBulkDeleteResponse{Deleted: ids}, err)
}
