package core

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

const agentPool = store.AgentPool

// isReserved says that a pool of that name belongs to the server.
func isReserved(name string) bool { return strings.HasPrefix(strings.ToLower(name), "prefect") }

// FailsOnResultStorage says that the caller's SDK (up to 3.3.7) can't read a pool whose
// storage names a block for results.
func (who Caller) FailsOnResultStorage() bool {
	return who.ClientVersion != "" && !states.IsSince(who.ClientVersion, 3, 3, 8)
}

// CreateWorkPool makes a work pool with its default queue.
func (c *Core) CreateWorkPool(ctx context.Context, who Caller, in *api.WorkPoolCreate) (*api.WorkPoolResponse, error) {
	if isReserved(in.Name) {
		return nil, api.Errorf(api.CodeForbidden, "Work pools starting with 'Prefect' are reserved for internal use.")
	}
	var p *api.WorkPoolResponse
	err := c.write(ctx, who, func(w *work) (err error) {
		if err := w.checkPoolDefaults(api.Object(in.BaseJobTemplate.Or(nil))); err != nil {
			return err
		}
		if p, err = w.newPool(in); err != nil {
			return taken(err, "A work pool with this name already exists.")
		}
		status := api.WorkPoolStatusNotReady
		if p.Status != nil {
			status = *p.Status
		}
		return w.emit(w.about("prefect.work-pool."+kebab(status), poolResource(p)))
	})
	return p, err
}

// taken words the refusal of a name that is in use.
func taken(err error, message string) error {
	if errors.Is(err, store.ErrConflict) {
		return &api.Error{Code: api.CodeConflict, Message: message, Cause: err}
	}
	return err
}

// newPool adds a work pool with its default queue.
func (w *work) newPool(in *api.WorkPoolCreate) (*api.WorkPoolResponse, error) {
	status := api.WorkPoolStatusNotReady
	p := &api.WorkPoolResponse{
		ID: newID(), Created: &w.now, Updated: &w.now, Name: in.Name, Description: in.Description.Ptr(), Type: in.Type.Or(agentPool),
		BaseJobTemplate: api.Object(in.BaseJobTemplate.Or(nil)), IsPaused: in.IsPaused.Or(false), ConcurrencyLimit: in.ConcurrencyLimit.Ptr(),
		CreatedBy: w.who.By, Status: &status, StorageConfiguration: in.StorageConfiguration.Or(api.WorkPoolStorageConfiguration{}),
	}
	switch {
	case p.Type == agentPool:
		p.Status = nil
	case p.IsPaused:
		status = api.WorkPoolStatusPaused
	}
	if p.ConcurrencyLimit != nil {
		p.ActiveSlots = new(int)
	}
	if err := w.InsertWorkPool(p); err != nil {
		return nil, err
	}
	q, err := w.newQueue(p, &api.WorkQueueCreate{Name: "default", Description: api.Some("The work pool's default queue.")})
	if err != nil {
		return nil, err
	}
	p.DefaultQueueID = &q.ID
	if err := w.SetWorkPool(p.ID, store.Set{Column: "default_queue_id", Value: q.ID}); err != nil {
		return nil, err
	}
	return p, w.emitPool("created", p, nil)
}

// pool reads a work pool by name, for a use case that needs it.
func pool(tx *store.Tx, name string) (*api.WorkPoolResponse, error) {
	p, err := tx.WorkPool(name)
	if errors.Is(err, store.ErrNoRows) {
		return nil, api.Errorf(api.CodeNotFound, "Work pool \"%s\" not found.", name)
	}
	return p, err
}

// WorkPool returns a work pool by name.
func (c *Core) WorkPool(ctx context.Context, who Caller, name string) (*api.WorkPoolResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) (*api.WorkPoolResponse, error) { return pool(tx, name) })
}

// WorkPools lists work pools by name.
func (c *Core) WorkPools(ctx context.Context, who Caller, f *api.WorkPoolFilter, limit, offset int) ([]api.WorkPoolResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.WorkPoolResponse, error) { return tx.WorkPools(f, "", limit, offset) })
}

// CountWorkPools counts work pools.
func (c *Core) CountWorkPools(ctx context.Context, who Caller, f *api.WorkPoolFilter) (int, error) {
	return value(ctx, c, who, func(tx *store.Tx) (int, error) { return tx.CountWorkPools(f) })
}

// UpdateWorkPool changes what the request names.
func (c *Core) UpdateWorkPool(ctx context.Context, who Caller, name string, in *api.WorkPoolUpdate) error {
	if isReserved(name) && (in.Description.IsSet() || in.BaseJobTemplate.IsSet() || in.StorageConfiguration.IsSet()) {
		return api.Errorf(api.CodeForbidden, "Work pools starting with 'Prefect' are reserved for internal use and can only be updated to set concurrency limits or pause.")
	}
	return c.write(ctx, who, func(w *work) error {
		p, err := pool(w.Tx, name)
		if err != nil {
			return err
		}
		return w.updatePool(p, in)
	})
}

func (w *work) updatePool(p *api.WorkPoolResponse, in *api.WorkPoolUpdate) error {
	ch, err := w.poolChanges(p, in)
	if err != nil || len(ch.sets) == 0 {
		return err
	}
	ch.set("updated", w.now)
	if err := w.sign(ch); err != nil {
		return err
	}
	if err := w.SetWorkPool(p.ID, ch.sets...); err != nil {
		return err
	}
	if len(ch.fields) > 0 {
		payload, err := ch.payload()
		if err != nil {
			return err
		}
		if err := w.emitPool("updated", p, payload); err != nil {
			return err
		}
	}
	snapshot := in.IsPaused.IsSet() || in.BaseJobTemplate.IsSet() || in.ConcurrencyLimit.IsSet() || in.StorageConfiguration.IsSet()
	w.publish(WorkPoolChanged{Workspace: w.Workspace(), WorkPoolID: p.ID, Snapshot: snapshot})
	return w.pausePool(p, in.IsPaused)
}

func (w *work) poolChanges(p *api.WorkPoolResponse, in *api.WorkPoolUpdate) (*changes, error) {
	if in.IsPaused.IsNull() {
		return nil, refused(store.ErrConflict)
	}
	ch := &changes{}
	patch(ch, "description", in.Description)
	patch(ch, "concurrency_limit", in.ConcurrencyLimit)
	if paused, ok := in.IsPaused.Get(); ok {
		ch.set("is_paused", paused)
	}
	if in.BaseJobTemplate.IsSet() {
		ch.set("base_job_template", api.Object(in.BaseJobTemplate.Or(nil)))
	}
	if in.StorageConfiguration.IsSet() {
		storage, err := canonical(in.StorageConfiguration.Or(api.WorkPoolStorageConfiguration{}))
		if err != nil {
			return nil, err
		}
		ch.set("storage_configuration", storage)
	}
	return ch, errors.Join(
		notePatch(ch, "description", p.Description, in.Description),
		notePatch(ch, "base_job_template", p.BaseJobTemplate, in.BaseJobTemplate),
		notePatch(ch, "concurrency_limit", p.ConcurrencyLimit, in.ConcurrencyLimit),
		notePatch(ch, "storage_configuration", p.StorageConfiguration, in.StorageConfiguration),
	)
}

// pausePool gives a pool the status that pausing or resuming it leads to.
func (w *work) pausePool(p *api.WorkPoolResponse, o api.Opt[bool]) error {
	paused, ok := o.Get()
	if !ok || p.Type == agentPool {
		return nil
	}
	if paused {
		return w.setPoolStatus(p, api.WorkPoolStatusPaused)
	}
	online, err := w.HasWorkerOnline(p.ID)
	if err != nil {
		return err
	}
	if online {
		return w.setPoolStatus(p, api.WorkPoolStatusReady)
	}
	return w.setPoolStatus(p, api.WorkPoolStatusNotReady)
}

// DeleteWorkPool deletes a work pool with its queues and workers.
func (c *Core) DeleteWorkPool(ctx context.Context, who Caller, name string) error {
	if isReserved(name) {
		return api.Errorf(api.CodeForbidden, "Work pools starting with 'Prefect' are reserved for internal use and can not be deleted.")
	}
	return c.write(ctx, who, func(w *work) error {
		p, err := pool(w.Tx, name)
		if err != nil {
			return err
		}
		queues, err := w.PoolQueues(p.ID)
		if err != nil {
			return err
		}
		for i := range queues {
			if err := w.emitQueue("deleted", &queues[i], p, nil); err != nil {
				return err
			}
		}
		if err := w.emitPool("deleted", p, nil); err != nil {
			return err
		}
		w.publish(WorkPoolChanged{Workspace: w.Workspace(), WorkPoolID: p.ID, Deleted: true})
		return w.DeleteWorkPool(p.ID)
	})
}

// PoolsAsSeen are work pools by id, with when a worker last asked for runs of each.
func (c *Core) PoolsAsSeen(ctx context.Context, who Caller, ids map[uuid.UUID]bool) (map[uuid.UUID]*api.WorkPoolResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) (map[uuid.UUID]*api.WorkPoolResponse, error) {
		wanted := slices.Collect(maps.Keys(ids))
		polled, err := tx.PoolsPolled(wanted)
		if err != nil {
			return nil, err
		}
		list, err := tx.WorkPools(&api.WorkPoolFilter{ID: &api.Match[uuid.UUID]{Any: wanted}}, api.WorkPoolSortNameAsc, len(wanted), 0)
		pools := make(map[uuid.UUID]*api.WorkPoolResponse, len(list))
		for i := range list {
			p := &list[i]
			if at, was := polled[p.ID]; was {
				p.LastPolled = &at
			}
			pools[p.ID] = p
		}
		return pools, err
	})
}
