package core

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// CreateRunInput gives a flow run a value under a key.
func (c *Core) CreateRunInput(ctx context.Context, who Caller, run uuid.UUID, in *api.CreateFlowRunInputRequest) error {
	err := c.write(ctx, who, func(w *work) error { return w.addRunInput(run, in.Key, in.Value, in.Sender.Ptr()) })
	if errors.Is(err, store.ErrForeignKey) {
		return api.NotFound("Flow run")
	}
	return err
}

func (w *work) addRunInput(run uuid.UUID, key, value string, sender *string) error {
	err := w.InsertRunInput(&api.FlowRunInput{
		ID: newID(), Created: &w.now, Updated: &w.now, FlowRunID: run, Key: key, Value: value, Sender: sender,
	})
	if errors.Is(err, store.ErrForeignKey) {
		return api.NotFound("Flow run")
	}
	return taken(err, "A flow run input with this key already exists.")
}

// RunInput returns the value of a flow run under a key.
func (c *Core) RunInput(ctx context.Context, who Caller, run uuid.UUID, key string) (string, error) {
	in, err := found("Flow run input", func() (*api.FlowRunInput, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.FlowRunInput, error) { return tx.RunInput(run, key) })
	})
	if err != nil {
		return "", err
	}
	return in.Value, nil
}

// RunInputs lists inputs of a flow run by the beginning of their keys, the oldest first.
func (c *Core) RunInputs(ctx context.Context, who Caller, run uuid.UUID, in *api.FilterFlowRunInputRequest) ([]api.FlowRunInput, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.FlowRunInput, error) {
		return tx.RunInputs(run, in.Prefix, in.ExcludeKeys.Or(nil), in.Limit.Or(1))
	})
}

// DeleteRunInput removes the value of a flow run under a key.
func (c *Core) DeleteRunInput(ctx context.Context, who Caller, run uuid.UUID, key string) error {
	return missing("Flow run input", c.write(ctx, who, func(w *work) error { return w.Tx.DeleteRunInput(run, key) }))
}
