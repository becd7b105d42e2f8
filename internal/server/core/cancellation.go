package core

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// EndChildrenOf ends what a run has started and that is not over. What a cancelled run
// started is cancelled; what ran in the process of one that crashed has crashed with it.
func (c *Core) EndChildrenOf(ctx context.Context, who Caller, run uuid.UUID, ended api.StateType) error {
	return c.endChildren(ctx, who, store.EndedRuns{State: ended, ID: &run})
}

// EndChildren does it for every run that ended after a time.
func (c *Core) EndChildren(ctx context.Context, who Caller, after time.Time) error {
	return errors.Join(
		c.endChildren(ctx, who, store.EndedRuns{State: api.StateTypeCancelled, After: api.At(after)}),
		c.endChildren(ctx, who, store.EndedRuns{State: api.StateTypeCrashed, After: api.At(after)}))
}

func (c *Core) endChildren(ctx context.Context, who Caller, parents store.EndedRuns) error {
	err := inBatches(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) {
		return tx.OrphanTaskRuns(parents, overdueBatch)
	}, func(w *work, id uuid.UUID) error { return w.endTaskRun(id, parents.State) })
	if err != nil {
		return err
	}
	return inBatches(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) {
		return tx.OrphanFlowRuns(parents, overdueBatch)
	}, func(w *work, id uuid.UUID) error { return w.endSubflow(id, parents.State) })
}

func (w *work) endTaskRun(id uuid.UUID, ended api.StateType) error {
	run, err := maybe(w.LockTaskRun(id))
	if err != nil || run == nil || run.Current != nil && states.IsTerminal(run.Current.Type) {
		return err
	}
	_, _, err = w.moveTaskRun(run, states.ParentEnded(ended, false, newID(), w.now.Time), states.Minimal)
	return err
}

// endSubflow asks for the infrastructure of a deployed run to be stopped first; other
// runs ended with their parent.
func (w *work) endSubflow(id uuid.UUID, ended api.StateType) error {
	run, err := maybe(w.LockFlowRun(id))
	if err != nil || run == nil || run.Current != nil && states.IsTerminal(run.Current.Type) {
		return err
	}
	_, _, err = w.moveFlowRun(run, states.ParentEnded(ended, run.DeploymentID != nil, newID(), w.now.Time), states.Minimal)
	return err
}

// EndCancellations ends the runs that nobody has stopped in the time there is for it.
func (c *Core) EndCancellations(ctx context.Context, who Caller) error {
	since := api.At(c.Clock().Add(-cmp.Or(c.Upkeep.CancellingFor, states.CancellingTimeout)))
	return inBatches(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) {
		return tx.StuckCancellations(since, overdueBatch)
	}, func(w *work, id uuid.UUID) error {
		run, err := maybe(w.LockFlowRun(id))
		if err != nil || run == nil || run.Current == nil || run.Current.Type != api.StateTypeCancelling || run.Current.Timestamp.After(since.Time) {
			return err
		}
		ended := states.CancellingExpired(newID(), w.now.Time)
		if _, written, err := w.moveFlowRun(run, ended, states.Core); err != nil || !written {
			return err
		}
		return w.askForCleanup(run, ended.ID)
	})
}
