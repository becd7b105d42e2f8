package rest

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var stateRoutes = []route{
	{api.OpReadFlowRunState, "see_flows", small, readState((*core.Core).FlowRunState)},
	{api.OpReadFlowRunStates, "see_flows", small, readStates("flow_run_id", (*core.Core).FlowRunStates)},
	{api.OpReadTaskRunState, "see_flows", small, readState((*core.Core).TaskRunState)},
	{api.OpReadTaskRunStates, "see_flows", small, readStates("task_run_id", (*core.Core).TaskRunStates)},
}

func readState(read func(*core.Core, context.Context, core.Caller, uuid.UUID) (*api.State, error)) handler {
	return func(c *core.Core, r *request) (answer, error) {
		id, err := r.id("id")
		if err != nil {
			return answer{}, err
		}
		state, err := read(c, r.Context(), r.who, id)
		return give(http.StatusOK, state, err)
	}
}

func readStates(run string, read func(*core.Core, context.Context, core.Caller, uuid.UUID) ([]api.State, error)) handler {
	return func(c *core.Core, r *request) (answer, error) {
		id, err := r.queryID(run)
		if err != nil {
			return answer{}, err
		}
		list, err := read(c, r.Context(), r.who, id)
		return give(http.StatusOK, list, err)
	}
}
