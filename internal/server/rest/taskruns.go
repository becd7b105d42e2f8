package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var taskRunRoutes = []route{
	{api.OpCreateTaskRun, "run_flows", medium, createTaskRun},
	{api.OpReadTaskRun, "see_flows", small, readTaskRun},
	{api.OpReadTaskRuns, "see_flows", small, readTaskRuns},
	{api.OpCountTaskRuns, "see_flows", small, countTaskRuns},
	{api.OpPaginateTaskRuns, "see_flows", small, paginateTaskRuns},
	{api.OpUpdateTaskRun, "run_flows", small, updateTaskRun},
	{api.OpDeleteTaskRun, "manage_flows", small, deleteTaskRun},
	{api.OpSetTaskRunState, "run_flows", medium, setTaskRunState},
}

func createTaskRun(c *core.Core, r *request) (answer, error) {
	var in api.TaskRunCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	run, isNew, err := c.CreateTaskRun(r.Context(), r.who, &in)
	return give(madeOrFound(isNew), run, err)
}

func readTaskRun(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	run, err := c.TaskRun(r.Context(), r.who, id)
	return give(http.StatusOK, run, err)
}

func readTaskRuns(c *core.Core, r *request) (answer, error) {
	var in api.ReadTaskRunsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments}
	runs, err := c.TaskRuns(r.Context(), r.who, f, in.Sort.Or(api.TaskRunSortIDDesc), limit, in.Offset.Or(0))
	return give(http.StatusOK, runs, err)
}

func countTaskRuns(c *core.Core, r *request) (answer, error) {
	var in api.CountTaskRunsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments}
	n, err := c.CountTaskRuns(r.Context(), r.who, f)
	return give(http.StatusOK, n, err)
}

func paginateTaskRuns(c *core.Core, r *request) (answer, error) {
	var in api.PaginateTaskRunsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments}
	out, err := c.TaskRunPage(r.Context(), r.who, f, in.Sort.Or(api.TaskRunSortIDDesc), limit, in.Page.Or(1))
	return give(http.StatusOK, out, err)
}

func updateTaskRun(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.TaskRunUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.RenameTaskRun(r.Context(), r.who, id, &in))
}

func deleteTaskRun(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteTaskRun(r.Context(), r.who, id))
}

func setTaskRunState(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.SetTaskRunStateRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	result, written, err := c.SetTaskRunState(r.Context(), r.who, id, &in)
	return give(madeOrFound(written), result, err)
}
