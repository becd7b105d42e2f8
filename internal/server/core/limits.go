package core

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/limits"
	"github.com/usherhq/usher/internal/store"
)

// initialOccupancy is what a new limit takes for the average time, in seconds, that a
// slot of it is held.
const initialOccupancy = 2

const noLimit = "Concurrency Limit not found"

// CreateConcurrencyLimit adds a limit.
func (c *Core) CreateConcurrencyLimit(ctx context.Context, who Caller, in *api.ConcurrencyLimitV2Create) (l *api.ConcurrencyLimitV2, err error) {
	err = c.write(ctx, who, func(w *work) error {
		l = &api.ConcurrencyLimitV2{
			ID: newID(), Created: &w.now, Updated: &w.now, Active: in.Active.Or(true), Name: in.Name, Limit: in.Limit,
			ActiveSlots: in.ActiveSlots.Or(0), DeniedSlots: in.DeniedSlots.Or(0),
			SlotDecayPerSecond: in.SlotDecayPerSecond.Or(0), AvgSlotOccupancySeconds: initialOccupancy,
		}
		return w.addLimit(l)
	})
	return l, err
}

func (w *work) addLimit(l *api.ConcurrencyLimitV2) error {
	if err := w.InsertConcurrencyLimit(l); err != nil {
		return err
	}
	return w.emitLimit("created", l)
}

func (r Ref) limit(tx *store.Tx) (*api.ConcurrencyLimitV2, error) {
	if r.name != nil {
		return tx.ConcurrencyLimitByName(*r.name)
	}
	return tx.ConcurrencyLimit(r.id)
}

// ConcurrencyLimit returns a limit with the slots that are taken of it now.
func (c *Core) ConcurrencyLimit(ctx context.Context, who Caller, which Ref) (*api.GlobalConcurrencyLimitResponse, error) {
	return foundOr(noLimit, func() (*api.GlobalConcurrencyLimitResponse, error) {
		l, err := value(ctx, c, who, which.limit)
		if err != nil {
			return nil, err
		}
		out := globalLimit(l, c.now())
		return &out, nil
	})
}

// LimitHolders lists who holds slots of a limit, the longest first.
func (c *Core) LimitHolders(ctx context.Context, who Caller, which Ref) ([]api.LimitHolder, error) {
	return foundOr(noLimit, func() ([]api.LimitHolder, error) {
		return value(ctx, c, who, func(tx *store.Tx) ([]api.LimitHolder, error) {
			l, err := which.limit(tx)
			if err != nil {
				return nil, err
			}
			holders, err := tx.LimitHolders(l.ID)
			if holders == nil {
				holders = []api.LimitHolder{}
			}
			return holders, err
		})
	})
}

// ConcurrencyLimits lists limits by name.
func (c *Core) ConcurrencyLimits(ctx context.Context, who Caller, limit, offset int) ([]api.GlobalConcurrencyLimitResponse, error) {
	list, err := value(ctx, c, who, func(tx *store.Tx) ([]api.ConcurrencyLimitV2, error) {
		return tx.ConcurrencyLimits("", limit, offset)
	})
	return globalLimits(list, c.now()), err
}

func globalLimits(list []api.ConcurrencyLimitV2, now api.Time) []api.GlobalConcurrencyLimitResponse {
	out := make([]api.GlobalConcurrencyLimitResponse, len(list))
	for i := range list {
		out[i] = globalLimit(&list[i], now)
	}
	return out
}

func globalLimit(l *api.ConcurrencyLimitV2, now api.Time) api.GlobalConcurrencyLimitResponse {
	decayed := limits.Limit{
		Taken: l.ActiveSlots, Decay: float64(l.SlotDecayPerSecond), Occupancy: initialOccupancy, Updated: l.Updated.Time,
	}.At(now.Time)
	return api.GlobalConcurrencyLimitResponse{
		ID: l.ID, Created: l.Created, Updated: l.Updated, Active: l.Active, Name: l.Name, Limit: l.Limit,
		ActiveSlots: decayed.Taken, SlotDecayPerSecond: l.SlotDecayPerSecond,
	}
}

// UpdateConcurrencyLimit changes what the request has.
func (c *Core) UpdateConcurrencyLimit(ctx context.Context, who Caller, which Ref, in *api.ConcurrencyLimitV2Update) error {
	return c.changeLimit(ctx, who, which, func(w *work, l *api.ConcurrencyLimitV2) error {
		if in.Active.IsNull() || in.Name.IsNull() || in.Limit.IsNull() || in.ActiveSlots.IsNull() || in.DeniedSlots.IsNull() || in.SlotDecayPerSecond.IsNull() {
			return refused(store.ErrConflict)
		}
		var ch changes
		patch(&ch, "active", in.Active)
		patch(&ch, "name", in.Name)
		patch(&ch, `"limit"`, in.Limit)
		patch(&ch, "active_slots", in.ActiveSlots)
		patch(&ch, "denied_slots", in.DeniedSlots)
		patch(&ch, "slot_decay_per_second", in.SlotDecayPerSecond)
		ch.set("updated", w.now)
		if err := w.Tx.UpdateConcurrencyLimit(l.ID, ch.sets...); err != nil {
			return err
		}
		now, err := w.Tx.ConcurrencyLimit(l.ID)
		if err != nil {
			return err
		}
		return w.emitLimit("updated", now)
	})
}

// DeleteConcurrencyLimit removes a limit.
func (c *Core) DeleteConcurrencyLimit(ctx context.Context, who Caller, which Ref) error {
	return c.changeLimit(ctx, who, which, func(w *work, l *api.ConcurrencyLimitV2) error { return w.removeLimit(l) })
}

func (w *work) removeLimit(l *api.ConcurrencyLimitV2) error {
	if err := w.Tx.DeleteConcurrencyLimit(l.ID); err != nil {
		return err
	}
	return w.emitLimit("deleted", l)
}

func (c *Core) changeLimit(ctx context.Context, who Caller, which Ref, change func(*work, *api.ConcurrencyLimitV2) error) error {
	_, err := foundOr(noLimit, func() (struct{}, error) {
		return struct{}{}, c.write(ctx, who, func(w *work) error {
			l, err := which.limit(w.Tx)
			if err != nil {
				return err
			}
			return change(w, l)
		})
	})
	return err
}

func (w *work) emitLimit(what string, l *api.ConcurrencyLimitV2) (err error) {
	e := w.about("prefect.concurrency-limit."+what, resource("concurrency-limit", l.ID, l.Name))
	e.Payload, err = json.Marshal(struct {
		Name   string    `json:"name"`
		Limit  int       `json:"limit"`
		Active bool      `json:"active"`
		Decay  api.Float `json:"slot_decay_per_second"`
	}{l.Name, l.Limit, l.Active, l.SlotDecayPerSecond})
	if err != nil {
		return err
	}
	return w.emit(e)
}

// reapBatch is how many expired leases are looked up at once.
const reapBatch = 100

// ReapLeases ends leases that have expired and gives their slots back. Only time counts
// in which they could be renewed, which is since listening. It returns when the next one
// expires, nil when none will.
func (c *Core) ReapLeases(ctx context.Context, listening time.Time) (*api.Time, error) {
	for {
		now := c.now()
		var workspaces, ids []uuid.UUID
		err := c.read(ctx, Caller{}, func(tx *store.Tx) (err error) {
			workspaces, ids, err = tx.ExpiredLeases(now, now.Sub(listening), reapBatch)
			return err
		})
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			err := c.write(ctx, Caller{Workspace: workspaces[i]}, func(w *work) error { return w.ReapLease(id, w.now) })
			if err != nil {
				return nil, err
			}
		}
		if len(ids) < reapBatch {
			return value(ctx, c, Caller{}, func(tx *store.Tx) (*api.Time, error) { return tx.NextExpiry(now) })
		}
	}
}
