package core

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// FlowRunState returns a state of a flow run by its id.
func (c *Core) FlowRunState(ctx context.Context, who Caller, id uuid.UUID) (*api.State, error) {
	return found("Flow run state", func() (*api.State, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.State, error) { return tx.FlowRunState(id) })
	})
}

// FlowRunStates lists the states of a flow run, oldest first.
func (c *Core) FlowRunStates(ctx context.Context, who Caller, run uuid.UUID) ([]api.State, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.State, error) { return tx.FlowRunStates(run) })
}

// TaskRunState returns a state of a task run by its id. The reference calls a missing
// one a flow run's.
func (c *Core) TaskRunState(ctx context.Context, who Caller, id uuid.UUID) (*api.State, error) {
	return found("Flow run state", func() (*api.State, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.State, error) { return tx.TaskRunState(id) })
	})
}

// TaskRunStates lists the states of a task run, oldest first.
func (c *Core) TaskRunStates(ctx context.Context, who Caller, run uuid.UUID) ([]api.State, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.State, error) { return tx.TaskRunStates(run) })
}
