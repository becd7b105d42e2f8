package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// CreateWorkQueue makes a queue in a work pool.
func (c *Core) CreateWorkQueue(ctx context.Context, who Caller, poolName string, in *api.WorkQueueCreate) (*api.WorkQueueResponse, error) {
	var q *api.WorkQueueResponse
	err := c.write(ctx, who, func(w *work) error {
		p, err := pool(w.Tx, poolName)
		if err != nil {
			return err
		}
		q, err = w.newQueue(p, in)
		return taken(err, "A work queue with this name already exists in work pool '"+poolName+"'.")
	})
	return q, err
}

// newQueue adds a queue to a pool.
func (w *work) newQueue(p *api.WorkPoolResponse, in *api.WorkQueueCreate) (*api.WorkQueueResponse, error) {
	others, err := w.PoolQueues(p.ID)
	if err != nil {
		return nil, err
	}
	status, description := api.WorkQueueStatusNotReady, in.Description.Or("")
	q := &api.WorkQueueResponse{
		ID: newID(), Created: &w.now, Updated: &w.now, Name: in.Name, Description: &description, IsPaused: in.IsPaused.Or(false),
		ConcurrencyLimit: in.ConcurrencyLimit.Ptr(), Priority: in.Priority.Or(firstGap(others)), WorkPoolID: &p.ID, Filter: in.Filter,
		WorkPoolName: &p.Name, Status: &status, CreatedBy: w.who.By,
	}
	if q.ConcurrencyLimit != nil {
		q.ActiveSlots = new(int)
	}
	if err := w.InsertWorkQueue(q); err != nil {
		return nil, err
	}
	if err := w.moveQueues(others, q); err != nil {
		return nil, err
	}
	w.publish(WorkPoolChanged{Workspace: w.Workspace(), WorkPoolID: p.ID})
	return q, w.emitQueue("created", q, p, nil)
}

// firstGap is the lowest priority that no queue has; queues are in the order of theirs.
func firstGap(queues []api.WorkQueueResponse) int {
	for i, q := range queues {
		if q.Priority != i+1 {
			return i + 1
		}
	}
	return len(queues) + 1
}

// moveQueues makes room for q at its priority: the others, in the order of theirs, move
// down as far as they must.
func (w *work) moveQueues(others []api.WorkQueueResponse, q *api.WorkQueueResponse) error {
	line := slices.Clone(others)
	if q != nil {
		at := slices.IndexFunc(line, func(o api.WorkQueueResponse) bool { return o.Priority >= q.Priority })
		if at < 0 {
			at = len(line)
		}
		line = slices.Insert(line, at, *q)
	}
	last := 0
	for _, o := range line {
		if o.Priority > last {
			last = o.Priority
			continue
		}
		last++
		if err := w.SetWorkQueue(o.ID, store.Set{Column: "priority", Value: last}, store.Set{Column: "updated", Value: w.now}); err != nil {
			return err
		}
	}
	return nil
}

// queueIn reads a queue of a pool by their names.
func queueIn(tx *store.Tx, poolName, name string) (*api.WorkQueueResponse, *api.WorkPoolResponse, error) {
	p, err := pool(tx, poolName)
	if err != nil {
		return nil, nil, err
	}
	q, err := tx.WorkQueueByName(p.ID, name)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil, noQueueIn(poolName, name)
	}
	return q, p, err
}

func noQueueIn(pool, name string) error {
	return api.Errorf(api.CodeNotFound, "Work pool queue '%s/%s' not found.", pool, name)
}

// PoolQueue returns a queue by the names of its pool and its own.
func (c *Core) PoolQueue(ctx context.Context, who Caller, poolName, name string) (*api.WorkQueueResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) (*api.WorkQueueResponse, error) {
		q, _, err := queueIn(tx, poolName, name)
		if api.CodeOf(err) == api.CodeNotFound { // whatever of the two it is
			err = noQueueIn(poolName, name)
		}
		return q, err
	})
}

// PoolQueues lists the queues of a pool by priority.
func (c *Core) PoolQueues(ctx context.Context, who Caller, poolName string, f *api.WorkQueueFilter, limit, offset int) ([]api.WorkQueueResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.WorkQueueResponse, error) {
		p, err := pool(tx, poolName)
		if err != nil {
			return nil, err
		}
		return tx.WorkQueues(&p.ID, f, limit, offset)
	})
}

// UpdatePoolQueue changes what the request names of a queue.
func (c *Core) UpdatePoolQueue(ctx context.Context, who Caller, poolName, name string, in *api.WorkQueueUpdate) error {
	return c.write(ctx, who, func(w *work) error {
		q, p, err := queueIn(w.Tx, poolName, name)
		if err != nil {
			return err
		}
		return w.updateQueue(q, p, in)
	})
}

func (w *work) updateQueue(q *api.WorkQueueResponse, p *api.WorkPoolResponse, in *api.WorkQueueUpdate) error {
	ch, err := queueChanges(q, in)
	if err != nil || len(ch.sets) == 0 {
		return err
	}
	before := *q.Status
	if status := pausedStatus(q, in, w.now); status != before {
		ch.set("status", status)
		q.Status = &status
	}
	ch.set("updated", w.now)
	if err := w.sign(ch); err != nil {
		return err
	}
	if err := w.SetWorkQueue(q.ID, ch.sets...); err != nil {
		return taken(err, "A work queue with this name already exists in work pool '"+p.Name+"'.")
	}
	q.Name = in.Name.Or(q.Name)
	if err := w.tellOfQueue(q, p, ch); err != nil {
		return err
	}
	if err := w.reorder(q, in.Priority); err != nil {
		return err
	}
	w.publish(WorkPoolChanged{Workspace: w.Workspace(), WorkPoolID: p.ID})
	if *q.Status == before {
		return nil
	}
	return w.emitQueue(kebab(*q.Status), q, p, nil)
}

func (w *work) tellOfQueue(q *api.WorkQueueResponse, p *api.WorkPoolResponse, ch *changes) error {
	if len(ch.fields) == 0 {
		return nil
	}
	payload, err := ch.payload()
	if err != nil {
		return err
	}
	return w.emitQueue("updated", q, p, payload)
}

// reorder gives way to a queue that got a priority.
func (w *work) reorder(q *api.WorkQueueResponse, priority api.Opt[int]) error {
	wanted, ok := priority.Get()
	if !ok {
		return nil
	}
	all, err := w.PoolQueues(*q.WorkPoolID)
	if err != nil {
		return err
	}
	q.Priority = wanted
	others := slices.DeleteFunc(all, func(o api.WorkQueueResponse) bool { return o.ID == q.ID })
	return w.moveQueues(others, q)
}

func queueChanges(q *api.WorkQueueResponse, in *api.WorkQueueUpdate) (*changes, error) {
	if in.Name.IsNull() || in.Priority.IsNull() || in.Description.IsNull() {
		return nil, refused(store.ErrConflict)
	}
	ch := &changes{}
	if name, ok := in.Name.Get(); ok {
		ch.set("name", name)
	}
	patch(ch, "description", in.Description)
	if paused, ok := in.IsPaused.Get(); ok {
		ch.set("is_paused", paused)
	}
	patch(ch, "concurrency_limit", in.ConcurrencyLimit)
	if priority, ok := in.Priority.Get(); ok {
		ch.set("priority", priority)
	}
	patch(ch, "last_polled", in.LastPolled)
	if in.Filter != nil {
		filter, err := canonical(in.Filter)
		if err != nil {
			return nil, err
		}
		ch.set("filter", filter)
	}
	return ch, errors.Join(
		notePatch(ch, "name", q.Name, in.Name),
		notePatch(ch, "description", q.Description, in.Description),
		notePatch(ch, "concurrency_limit", q.ConcurrencyLimit, in.ConcurrencyLimit),
		notePatch(ch, "priority", q.Priority, in.Priority),
	)
}

// recently is how long a queue or deployment counts as polled.
const recently = 60 * time.Second

// pausedStatus is the status of a queue after a request that may pause or resume it.
func pausedStatus(q *api.WorkQueueResponse, in *api.WorkQueueUpdate, now api.Time) api.WorkQueueStatus {
	paused, ok := in.IsPaused.Get()
	polled := q.LastPolled
	if in.LastPolled.IsSet() {
		polled = in.LastPolled.Ptr()
	}
	switch {
	case !ok || !paused && *q.Status != api.WorkQueueStatusPaused:
		return *q.Status
	case paused:
		return api.WorkQueueStatusPaused
	case polled != nil && now.Sub(polled.Time) < recently:
		return api.WorkQueueStatusReady
	}
	return api.WorkQueueStatusNotReady
}

// DeletePoolQueue deletes a queue, but not the default one of its pool.
func (c *Core) DeletePoolQueue(ctx context.Context, who Caller, poolName, name string) error {
	return c.write(ctx, who, func(w *work) error {
		q, p, err := queueIn(w.Tx, poolName, name)
		if err != nil {
			return err
		}
		return w.deleteQueue(q, p)
	})
}

func (w *work) deleteQueue(q *api.WorkQueueResponse, p *api.WorkPoolResponse) error {
	if p.DefaultQueueID != nil && *p.DefaultQueueID == q.ID {
		return api.Errorf(api.CodeConflict, "The default queue '%s' of work pool '%s' can't be deleted; delete the pool instead.", q.Name, p.Name)
	}
	if err := w.emitQueue("deleted", q, p, nil); err != nil {
		return err
	}
	if err := w.DeleteWorkQueue(q.ID); err != nil {
		return err
	}
	others, err := w.PoolQueues(p.ID)
	if err != nil {
		return err
	}
	w.publish(WorkPoolChanged{Workspace: w.Workspace(), WorkPoolID: p.ID})
	return w.moveQueues(others, nil)
}

// queueByID reads a queue with its pool.
func queueByID(tx *store.Tx, id uuid.UUID) (*api.WorkQueueResponse, *api.WorkPoolResponse, error) {
	q, err := tx.WorkQueue(id)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil, api.Errorf(api.CodeNotFound, "work queue not found")
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := tx.WorkPoolByID(*q.WorkPoolID)
	return q, p, err
}
