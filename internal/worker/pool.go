package worker

import (
	"bytes"
	"context"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// poolState is what the worker knows of its pool.
type poolState struct {
	mu    sync.Mutex
	pool  api.WorkPoolResponse
	id    *uuid.UUID    // the worker's, if the server gives any
	known chan struct{} // closed when the pool was first read
	fatal chan error    // why there will never be one
}

func newPoolState() *poolState {
	return &poolState{known: make(chan struct{}), fatal: make(chan error, 1)}
}

func (p *poolState) set(pool api.WorkPoolResponse) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pool = pool
	select {
	case <-p.known:
	default:
		close(p.known)
	}
}

func (p *poolState) get() (api.WorkPoolResponse, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pool, p.pool.Name != ""
}

func (p *poolState) setWorkerID(id *uuid.UUID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id = id
}

func (p *poolState) workerID() *uuid.UUID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id
}

// wait waits until the pool is known.
func (p *poolState) wait(ctx context.Context, drained <-chan struct{}) error {
	select {
	case <-p.known:
		return nil
	case <-drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// syncPool does over REST what the channel does in one go: reads the pool, creates it or
// gives it a template if need be, and reports the worker as alive.
func (w *Worker) syncPool(ctx context.Context) error {
	pool, err := w.Client.ReadWorkPool(ctx, w.Pool)
	if api.CodeOf(err) == api.CodeNotFound {
		if pool, err = w.createPool(ctx); err != nil || pool.Name == "" {
			return err
		}
	}
	if err != nil {
		return err
	}
	if isEmptyObject(pool.BaseJobTemplate) {
		if err := w.Client.UpdateWorkPool(ctx, w.Pool, &api.WorkPoolUpdate{BaseJobTemplate: api.Some(w.kind.DefaultTemplate())}); err != nil {
			return err
		}
		pool.BaseJobTemplate = w.kind.DefaultTemplate()
	}
	w.learnPool(pool)
	return w.Client.WorkerHeartbeat(ctx, w.Pool, &api.WorkerHeartbeatRequest{
		Name: w.Name, HeartbeatIntervalSeconds: api.Some(int(w.Heartbeat.Seconds())),
	})
}

func (w *Worker) createPool(ctx context.Context) (api.WorkPoolResponse, error) {
	if !w.CreatePool {
		w.Warn("Work pool '%s' not found! Create it with `usher work-pool create %s --type %s`.", w.Pool, w.Pool, w.kind.Name())
		return api.WorkPoolResponse{}, nil
	}
	create := &api.WorkPoolCreate{Name: w.Pool, Type: api.Some(w.kind.Name()), BaseJobTemplate: api.Some(w.template())}
	pool, err := w.Client.CreateWorkPool(ctx, create)
	if api.CodeOf(err) == api.CodeConflict { // another worker was faster
		return w.Client.ReadWorkPool(ctx, w.Pool)
	}
	if err == nil {
		w.Notice("Work pool '%s' created.", w.Pool)
	}
	return pool, err
}

// template is the base job template of a pool that the worker creates.
func (w *Worker) template() jsontext.Value {
	if len(w.BaseJobTemplate) > 0 {
		return w.BaseJobTemplate
	}
	return w.kind.DefaultTemplate()
}

// learnPool takes the pool's newest state over.
func (w *Worker) learnPool(pool api.WorkPoolResponse) {
	_, known := w.pool.get()
	w.pool.set(pool)
	if !known && pool.Type != w.kind.Name() {
		w.Warn("Worker type mismatch! This worker is of type '%s', but work pool '%s' is of type '%s'.", w.kind.Name(), pool.Name, pool.Type)
	}
	w.nudge() // a pool that is no longer paused may have runs that are due
}

func isEmptyObject(v jsontext.Value) bool {
	return len(v) == 0 || bytes.Equal(bytes.Join(bytes.Fields(v), nil), []byte("{}")) || bytes.Equal(bytes.TrimSpace(v), []byte("null"))
}
