package core

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// lateAfter is when a run is late that nobody has started, unless Upkeep says otherwise.
const lateAfter = 15 * time.Second

// The bounds of a turn of the services: how much it looks up at once, how much of that
// one transaction changes, and how much it does before it lets others have a turn.
const (
	overdueBatch  = 10_000
	overdueAtOnce = 100
	overdueTurn   = 50_000
)

// MarkLateRuns gives the state Late to runs that nobody has started some seconds after
// their time.
func (c *Core) MarkLateRuns(ctx context.Context, who Caller) error {
	return inBatches(ctx, c, who, func(tx *store.Tx) ([]store.OverdueRun, error) {
		return tx.OverdueRuns(api.At(c.Clock().Add(-c.Upkeep.late())), overdueBatch)
	}, func(w *work, r store.OverdueRun) error {
		_, _, err := w.setFlowRunState(r.ID, states.Late(r.ScheduledTime, newID(), w.now.Time), states.MarkLate)
		if api.CodeOf(err) == api.CodeNotFound {
			return nil
		}
		return err
	})
}

// ExpirePauses fails the runs that were paused and not resumed in time.
func (c *Core) ExpirePauses(ctx context.Context, who Caller) error {
	return inBatches(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) {
		return tx.ExpiredPauses(c.now(), overdueBatch)
	}, (*work).expirePause)
}

func (w *work) expirePause(id uuid.UUID) error {
	run, err := maybe(w.LockFlowRun(id))
	if err != nil || run == nil || run.Current == nil || run.Current.Type != api.StateTypePaused {
		return err
	}
	until := run.Current.StateDetails.PauseTimeout
	if until == nil || until.After(w.now.Time) {
		return nil
	}
	_, _, err = w.moveFlowRun(run, states.PauseExpired(newID(), w.now.Time), states.Minimal)
	return err
}

// inBatches does one thing to each of the objects that list finds, a few in one
// transaction, until nothing is left or the turn is over. What fails for one object is
// logged and does not keep the others from theirs.
func inBatches[T comparable](ctx context.Context, c *Core, who Caller, list func(*store.Tx) ([]T, error), do func(*work, T) error) error {
	seen := map[T]bool{}
	for len(seen) < overdueTurn {
		found, err := value(ctx, c, who, list)
		if err != nil {
			return err
		}
		fresh := slices.DeleteFunc(found, func(object T) bool { return seen[object] })
		if len(fresh) == 0 {
			return nil
		}
		for few := range slices.Chunk(fresh, overdueAtOnce) {
			if err := c.write(ctx, who, func(w *work) error { return each(w, c, few, do) }); err != nil {
				return err
			}
		}
		for _, object := range fresh {
			seen[object] = true
		}
	}
	return nil
}

func each[T any](w *work, c *Core, objects []T, do func(*work, T) error) error {
	for _, object := range objects {
		told := len(w.messages)
		if err := w.Try(func() error { return do(w, object) }); err != nil {
			w.messages = w.messages[:told]
			c.Log.Error("service skipped an object", "object", object, "error", err)
		}
	}
	return nil
}
