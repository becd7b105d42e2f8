package core

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// WorkerIntroduction is what a worker says of itself when it opens its channel.
type WorkerIntroduction struct {
	Pool        string
	Name        string
	Process     uuid.UUID // which of those of its name it is
	Type        string
	Interval    int // seconds between heartbeats
	Queues      []string
	CreatePool  bool
	JobTemplate jsontext.Value // for a pool that has none
}

// WorkerPlace is where a worker that opened its channel works.
type WorkerPlace struct {
	Pool   *api.WorkPoolResponse
	Queues []api.WorkQueueResponse
}

// OpenChannel finds the pool and queues of a worker, making the pool if it may, and
// records the worker's first heartbeat. A pool or queue that is not there, and can't be
// made, is CodeNotFound or CodeForbidden.
func (c *Core) OpenChannel(ctx context.Context, who Caller, in *WorkerIntroduction) (*WorkerPlace, error) {
	var place *WorkerPlace
	err := c.write(ctx, who, func(w *work) error {
		p, err := w.poolOfWorker(in)
		if err != nil {
			return err
		}
		if err := w.heartbeat(p, &api.WorkerHeartbeatRequest{Name: in.Name, HeartbeatIntervalSeconds: api.Some(in.Interval)}, in.Process); err != nil {
			return err
		}
		queues, err := queuesOfWorker(w.Tx, p, in.Queues)
		if err != nil {
			return err
		}
		if p, err = w.WorkPoolByID(p.ID); err != nil {
			return err
		}
		place = &WorkerPlace{Pool: p, Queues: queues}
		return nil
	})
	return place, err
}

func (w *work) poolOfWorker(in *WorkerIntroduction) (*api.WorkPoolResponse, error) {
	p, err := maybe(w.WorkPool(in.Pool))
	if err != nil {
		return nil, err
	}
	template := api.Object(in.JobTemplate)
	if p == nil {
		return w.poolForWorker(in, template)
	}
	if !isEmptyObject(p.BaseJobTemplate) || isEmptyObject(template) {
		return p, nil
	}
	if err := w.checkPoolDefaults(template); err != nil {
		return nil, err
	}
	return p, w.updatePool(p, &api.WorkPoolUpdate{BaseJobTemplate: api.Some(template)})
}

// poolForWorker makes the pool that a worker wants to work in.
func (w *work) poolForWorker(in *WorkerIntroduction, template jsontext.Value) (*api.WorkPoolResponse, error) {
	switch {
	case !in.CreatePool:
		return nil, api.Errorf(api.CodeNotFound, "Work pool \"%s\" not found.", in.Pool)
	case isReserved(in.Pool):
		return nil, api.Errorf(api.CodeForbidden, "Work pools starting with 'Prefect' are reserved for internal use.")
	}
	if err := w.checkPoolDefaults(template); err != nil {
		return nil, err
	}
	return w.newPool(&api.WorkPoolCreate{Name: in.Pool, Type: api.Some(in.Type), BaseJobTemplate: api.Some(template)})
}

func queuesOfWorker(tx *store.Tx, p *api.WorkPoolResponse, names []string) ([]api.WorkQueueResponse, error) {
	all, err := tx.PoolQueues(p.ID)
	if err != nil || len(names) == 0 {
		return all, err
	}
	byName := map[string]api.WorkQueueResponse{}
	for _, q := range all {
		byName[q.Name] = q
	}
	var picked []api.WorkQueueResponse
	for _, name := range union(names, nil) {
		q, ok := byName[name]
		if !ok {
			return nil, api.Errorf(api.CodeNotFound, "Work pool queue '%s/%s' not found.", p.Name, name)
		}
		picked = append(picked, q)
	}
	return picked, nil
}

// BeatChannel records a heartbeat of a worker's process that came over a channel and returns the pool.
func (c *Core) BeatChannel(ctx context.Context, who Caller, pool, process uuid.UUID, worker string, interval int) (*api.WorkPoolResponse, error) {
	var p *api.WorkPoolResponse
	err := c.write(ctx, who, func(w *work) (err error) {
		if p, err = w.WorkPoolByID(pool); err != nil {
			return err
		}
		return w.heartbeat(p, &api.WorkerHeartbeatRequest{Name: worker, HeartbeatIntervalSeconds: api.Some(interval)}, process)
	})
	return p, gone(err)
}

// WorkPoolByID returns a work pool by its id.
func (c *Core) WorkPoolByID(ctx context.Context, who Caller, id uuid.UUID) (*api.WorkPoolResponse, error) {
	p, err := value(ctx, c, who, func(tx *store.Tx) (*api.WorkPoolResponse, error) { return tx.WorkPoolByID(id) })
	return p, gone(err)
}

func gone(err error) error {
	if errors.Is(err, store.ErrNoRows) {
		return api.NotFound("Work pool")
	}
	return err
}

// PoolOutlook is what tells when a worker of a pool should ask for runs.
type PoolOutlook struct {
	Queues  map[uuid.UUID]bool // of the pool
	Limited bool               // runs may have to wait for others to end
	NextDue *api.Time          // when the first run that waits is to be started
}

// PoolOutlook looks at the queues of a pool and at the runs that wait in them.
func (c *Core) PoolOutlook(ctx context.Context, who Caller, pool uuid.UUID) (*PoolOutlook, error) {
	out := &PoolOutlook{Queues: map[uuid.UUID]bool{}}
	return out, c.read(ctx, who, func(tx *store.Tx) error {
		p, err := tx.WorkPoolByID(pool)
		if err != nil {
			return gone(err)
		}
		queues, err := tx.QueueSlotsOf(pool)
		if err != nil {
			return err
		}
		out.Limited = p.ConcurrencyLimit != nil
		for _, q := range queues {
			out.Queues[q.ID] = true
			out.Limited = out.Limited || q.Limit != nil
		}
		out.NextDue, err = tx.NextDue(pool, c.now())
		return err
	})
}
