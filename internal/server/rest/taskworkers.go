package rest

import (
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var taskWorkerRoutes = []route{
	{api.OpReadTaskWorkers, "see_flows", small, readTaskWorkers},
}

func readTaskWorkers(c *core.Core, r *request) (answer, error) {
	var in api.ReadTaskWorkersRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	var keys []string
	if in.TaskWorkerFilter != nil {
		keys = in.TaskWorkerFilter.TaskKeys
	}
	workers, err := c.TaskWorkers(r.Context(), r.who, keys)
	if err != nil {
		return answer{}, err
	}
	return ok(workers)
}
