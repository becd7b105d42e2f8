package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var workerRoutes = []route{
	{api.OpWorkerHeartbeat, "write_workers", small, workerHeartbeat},
	{api.OpReadWorkers, "see_workers", small, readWorkers},
	{api.OpDeleteWorker, "manage_workers", small, deleteWorker},
	{api.OpGetScheduledFlowRuns, "see_work_queues", small, getScheduledFlowRuns},
}

func workerHeartbeat(c *core.Core, r *request) (answer, error) {
	var in api.WorkerHeartbeatRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.WorkerHeartbeat(r.Context(), r.who, r.PathValue("work_pool_name"), &in))
}

func readWorkers(c *core.Core, r *request) (answer, error) {
	var in api.ReadWorkersRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	workers, err := c.Workers(r.Context(), r.who, r.PathValue("work_pool_name"), in.Workers, limit, in.Offset.Or(0))
	return give(http.StatusOK, workers, err)
}

func deleteWorker(c *core.Core, r *request) (answer, error) {
	return none(c.DeleteWorker(r.Context(), r.who, r.PathValue("work_pool_name"), r.PathValue("name")))
}

func getScheduledFlowRuns(c *core.Core, r *request) (answer, error) {
	var in api.GetScheduledFlowRunsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	runs, err := c.DueRuns(r.Context(), r.who, r.PathValue("name"), &in, limit)
	return give(http.StatusOK, runs, err)
}
