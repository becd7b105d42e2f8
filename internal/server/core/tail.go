package core

import (
	"context"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// EventRows reads stored events in the order of their numbers.
func (c *Core) EventRows(ctx context.Context, ask store.Rows) ([]store.Stored[api.ReceivedEvent], error) {
	return across(ctx, c, func(tx *store.Tx) ([]store.Stored[api.ReceivedEvent], error) { return tx.EventRows(ask) })
}

// LastEventRows returns the numbers of the newest n events, the newest first.
func (c *Core) LastEventRows(ctx context.Context, n int) ([]int64, error) {
	return across(ctx, c, func(tx *store.Tx) ([]int64, error) { return tx.LastEventRows(n) })
}

// LogRows reads stored log lines in the order of their numbers.
func (c *Core) LogRows(ctx context.Context, ask store.Rows) ([]store.Stored[api.Log], error) {
	return across(ctx, c, func(tx *store.Tx) ([]store.Stored[api.Log], error) { return tx.LogRows(ask) })
}

// LastLogRows returns the numbers of the newest n log lines, the newest first.
func (c *Core) LastLogRows(ctx context.Context, n int) ([]int64, error) {
	return across(ctx, c, func(tx *store.Tx) ([]int64, error) { return tx.LastLogRows(n) })
}
