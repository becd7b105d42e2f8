package core

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// taskWorkerFor is how long a task worker is listed after it was last kept.
const taskWorkerFor = 2 * TaskClaim

// TaskWorker is a task worker that is connected to this server.
type TaskWorker struct {
	core *Core
	who  Caller
	row  store.TaskWorker
}

// MeetTaskWorker lists a task worker that has connected, until it leaves or is not kept.
func (c *Core) MeetTaskWorker(ctx context.Context, who Caller, name string, keys []string) (*TaskWorker, error) {
	w := &TaskWorker{c, who, store.TaskWorker{Connection: uuid.New(), Name: name, Keys: keys}}
	return w, w.write(ctx, func(tx *work) error { return tx.SaveTaskWorker(&w.row, tx.now) })
}

// Keep says that the task worker is still connected.
func (w *TaskWorker) Keep(ctx context.Context) error {
	return w.write(ctx, func(tx *work) error { return tx.KeepTaskWorker(&w.row, nil) })
}

// Confirm ends the wait of a run that the task worker has taken over.
func (w *TaskWorker) Confirm(ctx context.Context, run uuid.UUID) error {
	return w.write(ctx, func(tx *work) error {
		if err := tx.UnqueueTask(run); err != nil {
			return err
		}
		return tx.KeepTaskWorker(&w.row, &tx.now)
	})
}

// Leave takes the task worker off the list.
func (w *TaskWorker) Leave(ctx context.Context) error {
	return w.write(ctx, func(tx *work) error { return tx.DeleteTaskWorker(&w.row) })
}

func (w *TaskWorker) write(ctx context.Context, fn func(*work) error) error {
	return w.core.write(ctx, w.who, func(tx *work) error {
		w.row.Expiration = api.At(tx.now.Add(taskWorkerFor))
		return fn(tx)
	})
}

// TaskWorkers lists the task workers, connected to whichever server, that take one of the
// keys, or all of them when no key is given.
func (c *Core) TaskWorkers(ctx context.Context, who Caller, keys []string) ([]api.TaskWorkerResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.TaskWorkerResponse, error) { return tx.TaskWorkers(keys, c.now()) })
}
