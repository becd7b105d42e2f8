package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var poolQueueRoutes = []route{
	{api.OpCreateWorkQueueInWorkPools, "write_work_queues", small, createPoolQueue},
	{api.OpReadWorkQueueInWorkPools, "see_work_queues", small, readPoolQueue},
	{api.OpReadWorkQueuesInWorkPools, "see_work_queues", small, readPoolQueues},
	{api.OpUpdateWorkQueueInWorkPools, "write_work_queues", small, updatePoolQueue},
	{api.OpDeleteWorkQueueInWorkPools, "manage_work_queues", small, deletePoolQueue},
}

func createPoolQueue(c *core.Core, r *request) (answer, error) {
	var in api.WorkQueueCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	q, err := c.CreateWorkQueue(r.Context(), r.who, r.PathValue("work_pool_name"), &in)
	return give(http.StatusCreated, q, err)
}

func readPoolQueue(c *core.Core, r *request) (answer, error) {
	q, err := c.PoolQueue(r.Context(), r.who, r.PathValue("work_pool_name"), r.PathValue("name"))
	return give(http.StatusOK, q, err)
}

func readPoolQueues(c *core.Core, r *request) (answer, error) {
	var in api.ReadWorkQueuesInWorkPoolsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	queues, err := c.PoolQueues(r.Context(), r.who, r.PathValue("work_pool_name"), in.WorkQueues, limit, in.Offset.Or(0))
	return give(http.StatusOK, queues, err)
}

func updatePoolQueue(c *core.Core, r *request) (answer, error) {
	var in api.WorkQueueUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.UpdatePoolQueue(r.Context(), r.who, r.PathValue("work_pool_name"), r.PathValue("name"), &in))
}

func deletePoolQueue(c *core.Core, r *request) (answer, error) {
	return none(c.DeletePoolQueue(r.Context(), r.who, r.PathValue("work_pool_name"), r.PathValue("name")))
}
