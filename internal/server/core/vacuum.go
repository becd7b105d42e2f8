package core

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// Vacuum removes what is older than it is to be kept: events, runs with all that belongs
// to them, and logs. It works in small transactions and rests as long as it works, so
// that others get at least half of the writer's time. What was taken over from another
// server's database is kept as if it had happened then.
func (c *Core) Vacuum(ctx context.Context, who Caller) error {
	taken, err := value(ctx, c, who, takenIn)
	if err != nil {
		return err
	}
	isOver := func(age time.Duration) bool { return age > 0 && c.ago(age).After(taken.Time) }
	keep := &c.Upkeep.Retention
	var failed []error
	for name, age := range keep.Named {
		if isOver(age) && (keep.Events == 0 || age < keep.Events) {
			failed = append(failed, c.vacuumEvents(ctx, who, name, age))
		}
	}
	if isOver(keep.Events) {
		failed = append(failed, c.vacuumEvents(ctx, who, "", keep.Events), c.removeInParts(ctx, who, func(w *work, limit int) (int64, error) {
			return w.DeleteAssetEvents(c.ago(keep.Events), limit)
		}))
	}
	if isOver(keep.FlowRuns) {
		failed = append(failed, c.vacuumFlowRuns(ctx, who))
	}
	if keep.FlowRuns > 0 {
		failed = append(failed, c.sweep(ctx, who))
	}
	if isOver(keep.Logs) {
		failed = append(failed, c.removeInParts(ctx, who, func(w *work, limit int) (int64, error) {
			return w.DeleteOldLogs(c.ago(keep.Logs), limit)
		}))
	}
	failed = append(failed, c.dropOldMetrics(ctx, who))
	return errors.Join(failed...)
}

func (c *Core) ago(d time.Duration) api.Time { return api.At(c.Clock().Add(-d)) }

func (c *Core) vacuumEvents(ctx context.Context, who Caller, name string, age time.Duration) error {
	before := c.ago(age)
	return c.removeInParts(ctx, who, func(w *work, limit int) (int64, error) { return w.DeleteEvents(name, before, limit) })
}

// vacuumFlowRuns removes old flow runs, their task runs first: a run may have too many
// of them for one transaction.
func (c *Core) vacuumFlowRuns(ctx context.Context, who Caller) error {
	before := c.ago(c.Upkeep.Retention.FlowRuns)
	return c.eachBatch(ctx, who, func(tx *store.Tx, limit int) ([]uuid.UUID, error) {
		return tx.OldFlowRuns(before, limit)
	}, func(runs []uuid.UUID) error {
		err := c.removeInParts(ctx, who, func(w *work, limit int) (int64, error) { return w.DeleteTaskRunsOf(runs, limit) })
		if err == nil {
			err = c.removeInParts(ctx, who, func(w *work, limit int) (int64, error) { return w.DeleteRunMetricPointsOf(runs, limit) })
		}
		if err != nil {
			return err
		}
		return c.write(ctx, who, func(w *work) error { return w.DeleteOldFlowRuns(before, runs) })
	})
}

// sweep removes what deleted runs have left: logs and artifacts.
func (c *Core) sweep(ctx context.Context, who Caller) error {
	return c.eachBatch(ctx, who, (*store.Tx).GoneFlowRuns, func(runs []uuid.UUID) error {
		err := c.removeInParts(ctx, who, func(w *work, limit int) (int64, error) { return w.DeleteLogsOf(runs, limit) })
		if err != nil {
			return err
		}
		err = c.removeInParts(ctx, who, func(w *work, limit int) (int64, error) { return w.removeArtifactsOf(runs, limit) })
		if err != nil {
			return err
		}
		return c.write(ctx, who, func(w *work) error { return w.ForgetGone(runs) })
	})
}

func (w *work) removeArtifactsOf(runs []uuid.UUID, limit int) (int64, error) {
	ids, err := w.ArtifactsOf(runs, limit)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		a, err := w.Artifact(id)
		if err != nil {
			return 0, err
		}
		if err := w.removeArtifact(a); err != nil {
			return 0, err
		}
	}
	return int64(len(ids)), nil
}

// eachBatch calls do for a batch of what list finds until that is nothing more. do must
// make what it is given disappear.
func (c *Core) eachBatch(ctx context.Context, who Caller, list func(*store.Tx, int) ([]uuid.UUID, error), do func([]uuid.UUID) error) error {
	for {
		ids, err := value(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) { return list(tx, c.Upkeep.Retention.batch()) })
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := do(ids); err != nil {
			return err
		}
	}
}

// removeInParts calls some, each time in a transaction of its own, until it finds less
// than it may remove at once.
func (c *Core) removeInParts(ctx context.Context, who Caller, some func(w *work, limit int) (int64, error)) error {
	limit := c.Upkeep.Retention.batch()
	for {
		var n int64
		began := c.Clock()
		err := c.write(ctx, who, func(w *work) (err error) {
			n, err = some(w, limit)
			return err
		})
		if err != nil || n < int64(limit) {
			return err
		}
		if err := rest(ctx, c.Clock().Sub(began)); err != nil {
			return err
		}
	}
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
