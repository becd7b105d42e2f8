package core

import (
	"context"

	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/store"
)

// SweepRunTokens removes what let in the programs of runs that have ended, so that it is not
// good again when a run is.
func (c *Core) SweepRunTokens(ctx context.Context, who Caller) error {
	now, ended := c.now(), c.ago(credential.RunGrace)
	dead, err := value(ctx, c, who, func(tx *store.Tx) (bool, error) { return tx.HasDeadRunTokens(now, ended) })
	if err != nil || !dead {
		return err
	}
	return c.write(ctx, who, func(w *work) error { return w.DeleteDeadRunTokens(now, ended) })
}
