package core

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/limits"
	"github.com/usherhq/usher/internal/store"
)

// Slots is a request for slots of several limits, all or none.
type Slots struct {
	Names     []string
	Slots     int
	RateLimit bool // only limits that decay may be asked
	Lease     *LeaseTerms
}

// LeaseTerms ask for a lease on the slots.
type LeaseTerms struct {
	Duration time.Duration
	Holder   *api.ConcurrencyLeaseHolder
}

// Full is the error of slots that are not free; the caller may try again After a while,
// unless it is Hopeless: the limit lets nobody through.
type Full struct {
	After    time.Duration
	Hopeless bool
	Words    string // the contract's detail
}

// Error says what is full.
func (f *Full) Error() string { return f.Words }

// AcquireSlots takes slots of every active limit that is named; names without a limit
// are ignored. It answers the limits and, when one was asked for, the lease. *Full says
// that a limit has no room; then nothing was taken.
func (c *Core) AcquireSlots(ctx context.Context, who Caller, ask *Slots) (taken []api.MinimalConcurrencyLimitResponse, lease uuid.UUID, err error) {
	var full *Full
	err = c.write(ctx, who, func(w *work) error {
		if ask.Lease != nil {
			if err := w.boundHolder(ask.Lease.Holder); err != nil {
				return err
			}
		}
		found, err := w.LockSlots(ask.Names)
		if err != nil {
			return err
		}
		if full, err = w.takeSlots(found, ask); err != nil || full != nil {
			return err
		}
		taken = minimal(found)
		if ask.Lease == nil {
			return nil
		}
		lease = newID()
		if err := w.reach(lease); err != nil {
			return err
		}
		return w.lease(lease, found, ask)
	})
	if err == nil && full != nil {
		return nil, lease, full
	}
	return taken, lease, err
}

func (w *work) takeSlots(found []limits.Limit, ask *Slots) (*Full, error) {
	if err := checkSlots(found, ask); err != nil {
		return nil, err
	}
	var fullOnes []limits.Limit
	for _, l := range found {
		if !l.Fits(ask.Slots, w.now.Time) {
			fullOnes = append(fullOnes, l)
		}
	}
	for _, l := range found {
		if !l.Active {
			continue
		}
		next := l.Acquired(ask.Slots, w.now.Time)
		if len(fullOnes) > 0 {
			next = l.Refused(ask.Slots)
		}
		if err := w.SaveSlots(&next); err != nil {
			return nil, err
		}
	}
	if len(fullOnes) > 0 {
		after := limits.RetryAfter(fullOnes, ask.Slots, rand.Float64()) //nolint:gosec // scatters waits
		return &Full{After: after, Words: "Locked"}, nil
	}
	return nil, nil
}

func checkSlots(found []limits.Limit, ask *Slots) error {
	var undecaying []string
	for _, l := range found {
		if l.Active && ask.Slots > l.Limit {
			return api.Errorf(api.CodeInvalid, "Slots requested is greater than the limit")
		}
		if l.Active && l.Decay <= 0 {
			undecaying = append(undecaying, l.Name)
		}
	}
	if ask.RateLimit && len(undecaying) > 0 {
		return api.Errorf(api.CodeInvalid, "Only concurrency limits with slot decay can be used for rate limiting. "+
			"The following limits do not have a decay configured: '%s'", strings.Join(undecaying, ","))
	}
	return nil
}

func minimal(found []limits.Limit) []api.MinimalConcurrencyLimitResponse {
	out := make([]api.MinimalConcurrencyLimitResponse, len(found))
	for i, l := range found {
		out[i] = api.MinimalConcurrencyLimitResponse{ID: l.ID, Name: l.Name, Limit: l.Limit}
	}
	return out
}

func (w *work) lease(id uuid.UUID, on []limits.Limit, ask *Slots) error {
	l := &store.Lease{ID: id, Created: w.now, Expiration: api.At(w.now.Add(ask.Lease.Duration)), Slots: ask.Slots}
	if h := ask.Lease.Holder; h != nil {
		l.HolderType, l.HolderID = &h.Type, &h.ID
	}
	var ids []uuid.UUID
	for i := range on {
		if on[i].Active {
			ids = append(ids, on[i].ID)
		}
	}
	w.publish(LeaseGranted{w.Workspace(), l.Expiration})
	return w.InsertLease(l, ids)
}

// ReleaseSlots gives slots back. held is how long they were taken, nil when unknown.
func (c *Core) ReleaseSlots(ctx context.Context, who Caller, names []string, slots int, held *time.Duration) (freed []api.MinimalConcurrencyLimitResponse, err error) {
	err = c.write(ctx, who, func(w *work) error {
		found, err := w.LockSlots(names)
		if err != nil {
			return err
		}
		for _, l := range found {
			next := l.Released(slots, held, w.now.Time)
			if err := w.SaveSlots(&next); err != nil {
				return err
			}
		}
		freed = minimal(found)
		return nil
	})
	return freed, err
}

// ReleaseLease ends a lease and gives its slots back. A lease that is gone is no error.
func (c *Core) ReleaseLease(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error {
		if who.Run != nil {
			there, err := w.HasLease(id)
			if err == nil && there {
				err = w.bound(LeaseKind, id)
			}
			if err != nil || !there {
				return err
			}
		}
		return w.Tx.ReleaseLease(id, w.now)
	})
}

// RenewLease lets a lease live for longer; not_found says that it is gone.
func (c *Core) RenewLease(ctx context.Context, who Caller, id uuid.UUID, ttl time.Duration) error {
	_, err := foundOr("Lease not found - it may have expired or been revoked", func() (struct{}, error) {
		return struct{}{}, c.write(ctx, who, func(w *work) error { return w.Tx.RenewLease(id, ttl, w.now) })
	})
	return err
}
