package core

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// TaskClaim is how long a task worker may take to confirm a run it was handed; after that
// the run goes to another.
const TaskClaim = time.Minute

// queueTask lets a background task run wait for a task worker.
func (w *work) queueTask(id uuid.UUID, key string, retry bool) error {
	if err := w.QueueTask(id, key, retry, w.now); err != nil {
		return err
	}
	w.publish(TaskRunScheduled{Workspace: w.Workspace(), TaskRunID: id, TaskKey: key, Retry: retry})
	return nil
}

// ClaimTask hands out the background task run of one of the keys that is next, for
// TaskClaim; nil says that none waits. One that does not wait to be started any more, say
// because it was cancelled, is passed over.
func (c *Core) ClaimTask(ctx context.Context, who Caller, keys []string) (*api.TaskRun, error) {
	waits, err := value(ctx, c, who, func(tx *store.Tx) (bool, error) { return tx.HasTasks(keys, c.now()) })
	for err == nil && waits {
		var run *api.TaskRun
		err = c.write(ctx, who, func(w *work) (err error) {
			run, err = w.Tx.ClaimTask(keys, TaskClaim, w.now)
			if err == nil && run.State != nil && run.State.Type != api.StateTypeScheduled {
				return w.UnqueueTask(run.ID)
			}
			return err
		})
		switch {
		case errors.Is(err, store.ErrNoRows):
			return nil, nil
		case err == nil && run.State != nil && run.State.Type == api.StateTypeScheduled:
			return run, nil
		}
	}
	return nil, err
}

// ReturnTask lets a run that no task worker has confirmed wait again, before others.
func (c *Core) ReturnTask(ctx context.Context, who Caller, id uuid.UUID, key string) error {
	return c.write(ctx, who, func(w *work) error {
		isBack, err := w.Tx.ReturnTask(id)
		if err == nil && isBack {
			w.publish(TaskRunScheduled{Workspace: w.Workspace(), TaskRunID: id, TaskKey: key, Retry: true})
		}
		return err
	})
}
