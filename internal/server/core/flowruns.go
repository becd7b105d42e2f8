package core

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// CreateFlowRun makes a flow run in its first state. One with an idempotency key that
// the flow has a run of is not made again: that run comes back.
func (c *Core) CreateFlowRun(ctx context.Context, who Caller, in *api.FlowRunCreate) (run *api.FlowRunResponse, isNew bool, err error) {
	err = c.write(ctx, who, func(w *work) error {
		wanted := wantedFlowRun(in)
		if err := w.placeFlowRun(wanted.run, in); err != nil {
			return err
		}
		if err := w.versionFlowRun(wanted.run); err != nil {
			return err
		}
		run, isNew, err = w.createFlowRun(wanted)
		return err
	})
	return run, isNew, err
}

// FlowRun returns a flow run by its id.
func (c *Core) FlowRun(ctx context.Context, who Caller, id uuid.UUID) (*api.FlowRunResponse, error) {
	return found("Flow run", func() (*api.FlowRunResponse, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.FlowRunResponse, error) { return tx.FlowRun(id, c.now()) })
	})
}

// FlowRuns lists flow runs.
func (c *Core) FlowRuns(ctx context.Context, who Caller, f Filters, sort api.FlowRunSort, limit, offset int) ([]api.FlowRunResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.FlowRunResponse, error) {
		return tx.FlowRuns(f, sort, limit, offset, c.now())
	})
}

// CountFlowRuns counts flow runs.
func (c *Core) CountFlowRuns(ctx context.Context, who Caller, f Filters) (int, error) {
	return value(ctx, c, who, func(tx *store.Tx) (int, error) { return tx.CountFlowRuns(f) })
}

// placeFlowRun puts a run into the work queue that the request names.
func (w *work) placeFlowRun(run *api.FlowRunResponse, in *api.FlowRunCreate) error {
	pool, isNamed := in.WorkPoolName.Get()
	if !isNamed || pool == "" {
		return nil
	}
	p, err := w.WorkPool(pool)
	queue := in.WorkQueueName.Or("")
	switch {
	case errors.Is(err, store.ErrNoRows) && queue == "":
		return api.Errorf(api.CodeNotFound, "Work pool \"%s\" not found.", pool)
	case errors.Is(err, store.ErrNoRows):
		return noQueueIn(pool, queue)
	case err != nil:
		return err
	case queue == "":
		run.WorkQueueID = p.DefaultQueueID
		return nil
	}
	q, err := w.WorkQueueByName(p.ID, queue)
	if errors.Is(err, store.ErrNoRows) {
		return noQueueIn(pool, queue)
	}
	if err == nil {
		run.WorkQueueID = &q.ID
	}
	return err
}

// versionFlowRun notes which version of its deployment a run is of, for clients that know of
// versions.
func (w *work) versionFlowRun(run *api.FlowRunResponse) error {
	if run.DeploymentID == nil || !w.tellsVersions() {
		return nil
	}
	d, err := maybe(w.Deployment(*run.DeploymentID))
	if d != nil {
		run.DeploymentVersionID, run.DeploymentVersionInfo = d.VersionID, d.VersionInfo
	}
	return err
}
