package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var historyRoutes = []route{
	{api.OpFlowRunHistory, "see_flows", small, flowRunHistory},
	{api.OpTaskRunHistory, "see_flows", small, taskRunHistory},
	{api.OpAverageFlowRunLateness, "see_flows", small, averageLateness},
}

func flowRunHistory(c *core.Core, r *request) (answer, error) {
	var in api.FlowRunHistoryRequest
	if err := r.decodeHistory(&in); err != nil {
		return answer{}, err
	}
	h := &core.History{Start: in.HistoryStart, End: in.HistoryEnd, Interval: in.HistoryIntervalSeconds, Filters: core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools, WorkQueues: in.WorkQueues,
	}}
	out, err := c.FlowRunHistory(r.Context(), r.who, h)
	return give(http.StatusOK, out, err)
}

func taskRunHistory(c *core.Core, r *request) (answer, error) {
	var in api.TaskRunHistoryRequest
	if err := r.decodeHistory(&in); err != nil {
		return answer{}, err
	}
	h := &core.History{Start: in.HistoryStart, End: in.HistoryEnd, Interval: in.HistoryIntervalSeconds, Filters: core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments,
	}}
	out, err := c.TaskRunHistory(r.Context(), r.who, h)
	return give(http.StatusOK, out, err)
}

func averageLateness(c *core.Core, r *request) (answer, error) {
	var in api.AverageFlowRunLatenessRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools, WorkQueues: in.WorkPoolQueues,
	}
	seconds, err := c.AverageLateness(r.Context(), r.who, f)
	return give(http.StatusOK, seconds, err)
}
