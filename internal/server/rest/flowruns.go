package rest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
)

var flowRunRoutes = []route{
	{api.OpCreateFlowRun, "run_flows", medium, createFlowRun},
	{api.OpReadFlowRun, "see_flows", small, readFlowRun},
	{api.OpReadFlowRuns, "see_flows", small, readFlowRuns},
	{api.OpCountFlowRuns, "see_flows", small, countFlowRuns},
	{api.OpPaginateFlowRuns, "see_flows", small, paginateFlowRuns},
	{api.OpUpdateFlowRun, "run_flows", medium, updateFlowRun},
	{api.OpUpdateFlowRunLabels, "run_flows", small, labelFlowRun},
	{api.OpDeleteFlowRun, "manage_flows", small, deleteFlowRun},
	{api.OpBulkDeleteFlowRuns, "manage_flows", small, deleteFlowRuns},
	{api.OpSetFlowRunState, "run_flows", medium, setFlowRunState},
	{api.OpBulkSetFlowRunState, "run_flows", medium, setFlowRunStates},
}

func createFlowRun(c *core.Core, r *request) (answer, error) {
	var in api.FlowRunCreate
	if err := r.decode(&in, func() []api.Violation { return checkParameterSize(in.Parameters) }); err != nil {
		return answer{}, err
	}
	if id, has := in.DeploymentID.Get(); has && r.visitor.grant != nil {
		if err := mayUse(r.visitor.grant, identity.ObjectDeployment, id, identity.LevelRun); err != nil {
			return answer{}, err
		}
	}
	if in.DeploymentID.IsSet() && r.who.Run != nil && !r.mayRunOthers() {
		return answer{}, errNotForRuns
	}
	run, isNew, err := c.CreateFlowRun(r.Context(), r.who, &in)
	return give(madeOrFound(isNew), run, err)
}

func readFlowRun(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	run, err := c.FlowRun(r.Context(), r.who, id)
	return give(http.StatusOK, run, err)
}

func readFlowRuns(c *core.Core, r *request) (answer, error) {
	var in api.ReadFlowRunsRequest
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
	runs, err := c.FlowRuns(r.Context(), r.who, f, in.Sort.Or(api.FlowRunSortIDDesc), limit, in.Offset.Or(0))
	return give(http.StatusOK, runs, err)
}

func countFlowRuns(c *core.Core, r *request) (answer, error) {
	var in api.CountFlowRunsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools, WorkQueues: in.WorkPoolQueues,
	}
	n, err := c.CountFlowRuns(r.Context(), r.who, f)
	return give(http.StatusOK, n, err)
}

func paginateFlowRuns(c *core.Core, r *request) (answer, error) {
	var in api.PaginateFlowRunsRequest
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
	out, err := c.FlowRunPage(r.Context(), r.who, f, in.Sort.Or(api.FlowRunSortIDDesc), limit, in.Page.Or(1))
	return give(http.StatusOK, out, err)
}

func updateFlowRun(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.FlowRunUpdate
	if err := r.decode(&in, func() []api.Violation { return checkParameterSize(in.Parameters) }); err != nil {
		return answer{}, err
	}
	return none(c.UpdateFlowRun(r.Context(), r.who, id, &in))
}

func labelFlowRun(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var labels map[string]jsontext.Value
	if err := r.decode(&labels); err != nil {
		return answer{}, err
	}
	return none(c.LabelFlowRun(r.Context(), r.who, id, labels))
}

func deleteFlowRun(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteFlowRun(r.Context(), r.who, id))
}

func deleteFlowRuns(c *core.Core, r *request) (answer, error) {
	var in api.BulkDeleteFlowRunsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	ids, err := c.DeleteFlowRuns(r.Context(), r.who, core.Filters{FlowRuns: in.FlowRuns}, in.Limit.Or(mostInBulk))
	return give(http.StatusOK, api.FlowRunBulkDeleteResponse{Deleted: ids}, err)
}

func setFlowRunState(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.SetFlowRunStateRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	result, written, err := c.SetFlowRunState(r.Context(), r.who, id, &in)
	return give(madeOrFound(written), result, err)
}

func setFlowRunStates(c *core.Core, r *request) (answer, error) {
	var in api.BulkSetFlowRunStateRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	results, err := c.SetFlowRunStates(r.Context(), r.who, &in, in.Limit.Or(mostInBulk))
	return give(http.StatusOK, api.FlowRunBulkSetStateResponse{Results: results}, err)
}
