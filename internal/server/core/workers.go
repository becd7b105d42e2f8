package core

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// WorkerHeartbeat records that a worker of a pool is there.
func (c *Core) WorkerHeartbeat(ctx context.Context, who Caller, poolName string, in *api.WorkerHeartbeatRequest) error {
	return c.write(ctx, who, func(w *work) error {
		p, err := pool(w.Tx, poolName)
		if err != nil {
			return err
		}
		return w.heartbeat(p, in, uuid.Nil)
	})
}

// heartbeat records a heartbeat; the pool's first worker makes it READY. process is uuid.Nil
// when the worker does not say which process of its name it is.
func (w *work) heartbeat(p *api.WorkPoolResponse, in *api.WorkerHeartbeatRequest, process uuid.UUID) error {
	beat := store.Beat{WorkPoolID: p.ID, Name: in.Name, Interval: in.HeartbeatIntervalSeconds.Ptr(), At: w.now}
	if err := w.WorkerBeat(newID(), beat); err != nil {
		return err
	}
	if err := w.ProcessBeat(process, beginning(process, w.now), beat); err != nil {
		return err
	}
	if p.Status == nil || *p.Status != api.WorkPoolStatusNotReady {
		return nil
	}
	return w.setPoolStatus(p, api.WorkPoolStatusReady)
}

// beginning is since when a process that is heard of for the first time may have been at
// work. It claims runs while it can't open its channel, too, so its id says when, if it has a
// time in it.
func beginning(process uuid.UUID, heard api.Time) api.Time {
	switch {
	case process == uuid.Nil:
		return api.Time{Time: time.Unix(0, 0)}
	case process.Version() != 7:
		return heard
	}
	sec, nsec := process.Time().UnixTime()
	if made := time.Unix(sec, nsec); made.Before(heard.Time) {
		return api.At(made)
	}
	return heard
}

// Workers lists the workers of a pool, the last to be heard of first.
func (c *Core) Workers(ctx context.Context, who Caller, poolName string, f *api.WorkerFilter, limit, offset int) ([]api.WorkerResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.WorkerResponse, error) {
		p, err := pool(tx, poolName)
		if err != nil {
			return nil, err
		}
		return tx.Workers(p.ID, f, "", limit, offset, c.now())
	})
}

// DeleteWorker forgets a worker of a pool.
func (c *Core) DeleteWorker(ctx context.Context, who Caller, poolName, name string) error {
	return c.write(ctx, who, func(w *work) error {
		p, err := pool(w.Tx, poolName)
		if err != nil {
			return err
		}
		known, err := w.Tx.DeleteWorker(p.ID, name)
		if err == nil && !known {
			err = api.Errorf(api.CodeNotFound, "Worker not found.")
		}
		return err
	})
}
