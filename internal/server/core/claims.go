package core

import (
	"context"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/claim"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// claimTime is how long a worker may take to tell of itself after it has claimed a run,
// and a server to hear of its workers after it has started.
const claimTime = 2 * time.Minute

// ReleaseClaims gives runs back to their queues whose worker claimed and did not start
// them, or ends them when that would not help. listening is since when workers are heard.
// Who claimed a run may be there all the same, cut off or slow: only one start of a run
// that was given back is accepted.
func (c *Core) ReleaseClaims(ctx context.Context, who Caller, listening time.Time) error {
	before := c.ago(claimTime)
	if before.Before(listening) {
		return nil
	}
	return inBatches(ctx, c, who, func(tx *store.Tx) ([]store.LostClaim, error) {
		return tx.LostClaims(c.now(), before, overdueBatch)
	}, (*work).releaseClaim)
}

func (w *work) releaseClaim(lost store.LostClaim) error {
	run, err := maybe(w.LockFlowRun(lost.ID))
	if err != nil || run == nil || run.Current == nil || run.Current.Type != api.StateTypePending || !run.Current.Timestamp.Equal(lost.Since.Time) {
		return err
	}
	c := claim.Claim{Worker: lost.Worker, Process: lost.Process, Since: lost.Since, Alive: lost.Alive}
	if run.Current.Name != nil {
		c.State = *run.Current.Name
	}
	if run.InfrastructurePID != nil {
		c.Infrastructure = *run.InfrastructurePID
	}
	if c.Times, err = w.Claims(run.ID); err != nil {
		return err
	}
	state := claim.Ended(&c, run.ID, newID(), w.now.Time)
	if state == nil {
		return nil
	}
	if _, _, err := w.moveFlowRun(run, *state, states.Minimal); err != nil || state.Type != api.StateTypeScheduled {
		return err
	}
	return w.NoteGivenBack(run.ID, w.now)
}
