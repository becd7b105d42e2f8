package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var workQueueRoutes = []route{
	{api.OpCreateWorkQueue, "see_work_queues", small, createWorkQueue},
	{api.OpReadWorkQueue, "see_work_queues", small, readWorkQueue},
	{api.OpReadWorkQueueByName, "see_work_queues", small, readWorkQueueByName},
	{api.OpReadWorkQueues, "see_work_queues", small, readWorkQueues},
	{api.OpUpdateWorkQueue, "write_work_queues", small, updateWorkQueue},
	{api.OpDeleteWorkQueue, "manage_work_queues", small, deleteWorkQueue},
	{api.OpReadWorkQueueRuns, "see_work_queues", small, readWorkQueueRuns},
	{api.OpReadWorkQueueStatus, "see_work_queues", small, readWorkQueueStatus},
	{api.OpReadWorkQueueConcurrencyStatus, "see_work_queues", small, readQueueConcurrency},
	{api.OpReadWorkPoolConcurrencyStatus, "see_work_pools see_work_queues", small, readPoolConcurrency},
}

func createWorkQueue(c *core.Core, r *request) (answer, error) {
	var in api.WorkQueueCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	q, err := c.CreateAgentQueue(r.Context(), r.who, &in)
	return give(http.StatusCreated, q, err)
}

func readWorkQueue(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	q, err := c.WorkQueue(r.Context(), r.who, id)
	return give(http.StatusOK, q, err)
}

func readWorkQueueByName(c *core.Core, r *request) (answer, error) {
	q, err := c.AgentQueue(r.Context(), r.who, r.PathValue("name"))
	return give(http.StatusOK, q, err)
}

func readWorkQueues(c *core.Core, r *request) (answer, error) {
	var in api.ReadWorkQueuesRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.WorkQueues(r.Context(), r.who, in.WorkQueues, limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func updateWorkQueue(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.WorkQueueUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.UpdateWorkQueue(r.Context(), r.who, id, &in))
}

func deleteWorkQueue(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteWorkQueue(r.Context(), r.who, id))
}

func readWorkQueueRuns(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.ReadWorkQueueRunsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	looks := r.Header.Get("X-Prefect-Ui") == "true"
	runs, err := c.AgentRuns(r.Context(), r.who, id, &in, limit, looks)
	return give(http.StatusOK, runs, err)
}

func readWorkQueueStatus(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	status, err := c.WorkQueueStatus(r.Context(), r.who, id)
	return give(http.StatusOK, status, err)
}

func readQueueConcurrency(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.ReadWorkQueueConcurrencyStatusRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	status, err := c.QueueConcurrency(r.Context(), r.who, id, limit, in.Page.Or(1))
	return give(http.StatusOK, status, err)
}

func readPoolConcurrency(c *core.Core, r *request) (answer, error) {
	var in api.ReadWorkPoolConcurrencyStatusRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	status, err := c.PoolConcurrency(r.Context(), r.who, r.PathValue("name"), limit, in.Page.Or(1), in.FlowRunLimit.Or(10))
	return give(http.StatusOK, status, err)
}
