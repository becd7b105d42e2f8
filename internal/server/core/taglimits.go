package core

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/limits"
	"github.com/usherhq/usher/internal/store"
)

// Limits on tags of task runs are concurrency limits of the name tag:<tag>; this is
// their older face.

const tagPrefix = "tag:"

const noTagLimit = "Concurrency limit not found"

// taskRunHolder is the holder type of leases that task runs have on tags.
const taskRunHolder = "task_run"

// SetTagLimit makes or changes the limit on a tag.
func (c *Core) SetTagLimit(ctx context.Context, who Caller, in *api.ConcurrencyLimitCreate) (out *api.ConcurrencyLimit, isNew bool, err error) {
	err = c.write(ctx, who, func(w *work) error {
		l, err := w.ConcurrencyLimitByName(tagPrefix + in.Tag)
		isNew = errors.Is(err, store.ErrNoRows)
		switch {
		case isNew:
			l = &api.ConcurrencyLimitV2{
				ID: newID(), Created: &w.now, Updated: &w.now, Active: true, Name: tagPrefix + in.Tag,
				Limit: in.ConcurrencyLimit, AvgSlotOccupancySeconds: initialOccupancy,
			}
			err = w.addLimit(l)
		case err == nil:
			l.Limit, l.Updated = in.ConcurrencyLimit, &w.now
			err = errors.Join(
				w.Tx.UpdateConcurrencyLimit(l.ID, store.Set{Column: `"limit"`, Value: l.Limit}, store.Set{Column: "updated", Value: w.now}),
				w.emitLimit("updated", l),
			)
		}
		if err != nil {
			return err
		}
		out, err = tagLimit(w.Tx, l)
		return err
	})
	return out, isNew, err
}

// TagLimit returns the limit on a tag, which is named by tag or id.
func (c *Core) TagLimit(ctx context.Context, who Caller, which Ref) (*api.ConcurrencyLimit, error) {
	return foundOr(noTagLimit, func() (*api.ConcurrencyLimit, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.ConcurrencyLimit, error) {
			l, err := which.tagLimit(tx)
			if err != nil {
				return nil, err
			}
			return tagLimit(tx, l)
		})
	})
}

func (r Ref) tagLimit(tx *store.Tx) (*api.ConcurrencyLimitV2, error) {
	if r.name != nil {
		return tx.ConcurrencyLimitByName(tagPrefix + *r.name)
	}
	l, err := tx.ConcurrencyLimit(r.id)
	if err == nil && !strings.HasPrefix(l.Name, tagPrefix) {
		return nil, store.ErrNoRows
	}
	return l, err
}

func tagLimit(tx *store.Tx, l *api.ConcurrencyLimitV2) (*api.ConcurrencyLimit, error) {
	leases, err := tx.LeasesOn(l.ID)
	out := &api.ConcurrencyLimit{
		ID: l.ID, Created: l.Created, Updated: l.Updated, Tag: strings.TrimPrefix(l.Name, tagPrefix), ConcurrencyLimit: l.Limit, ActiveSlots: []uuid.UUID{},
	}
	for _, lease := range leases {
		if lease.HolderID != nil && lease.HolderType != nil && *lease.HolderType == taskRunHolder {
			out.ActiveSlots = append(out.ActiveSlots, *lease.HolderID)
		}
	}
	return out, err
}

// TagLimits lists the limits on tags by tag.
func (c *Core) TagLimits(ctx context.Context, who Caller, limit, offset int) ([]api.ConcurrencyLimit, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.ConcurrencyLimit, error) {
		list, err := tx.ConcurrencyLimits(tagPrefix, limit, offset)
		out := make([]api.ConcurrencyLimit, 0, len(list))
		for i := range list {
			l, err := tagLimit(tx, &list[i])
			if err != nil {
				return nil, err
			}
			out = append(out, *l)
		}
		return out, err
	})
}

// DeleteTagLimit removes the limit on a tag; its leases end first.
func (c *Core) DeleteTagLimit(ctx context.Context, who Caller, which Ref) error {
	return c.changeTagLimit(ctx, who, which, func(w *work, l *api.ConcurrencyLimitV2) error {
		if err := w.revoke(l.ID); err != nil {
			return err
		}
		return w.removeLimit(l)
	})
}

// ResetTagLimit ends the leases on a tag and gives its slots to the task runs of override.
func (c *Core) ResetTagLimit(ctx context.Context, who Caller, tag string, override []uuid.UUID) error {
	return c.changeTagLimit(ctx, who, ByName(tag), func(w *work, l *api.ConcurrencyLimitV2) error {
		if err := w.revoke(l.ID); err != nil {
			return err
		}
		if err := w.Tx.UpdateConcurrencyLimit(l.ID, store.Set{Column: "active_slots", Value: 0}); err != nil {
			return err
		}
		for _, id := range override {
			if err := w.hold(l.Name, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// revoke ends every lease on a limit.
func (w *work) revoke(limit uuid.UUID) error {
	leases, err := w.LeasesOn(limit)
	for i := 0; err == nil && i < len(leases); i++ {
		err = w.Tx.ReleaseLease(leases[i].ID, w.now)
	}
	return err
}

// hold takes a slot of a limit, full or not, and leases it to a task run for good.
func (w *work) hold(name string, taskRun uuid.UUID) error {
	found, err := w.LockSlots([]string{name})
	if err != nil || len(found) == 0 {
		return err
	}
	taken := found[0].Acquired(1, w.now.Time)
	if err := w.SaveSlots(&taken); err != nil {
		return err
	}
	return w.leaseToTaskRun(found, taskRun)
}

// tagLeaseTime is how long a task run keeps its slots of tags if nobody gives them back.
const tagLeaseTime = 100 * 365 * 24 * time.Hour

func (w *work) leaseToTaskRun(on []limits.Limit, taskRun uuid.UUID) error {
	return w.lease(newID(), on, &Slots{Slots: 1, Lease: &LeaseTerms{
		Duration: tagLeaseTime, Holder: &api.ConcurrencyLeaseHolder{Type: taskRunHolder, ID: taskRun},
	}})
}

func (c *Core) changeTagLimit(ctx context.Context, who Caller, which Ref, change func(*work, *api.ConcurrencyLimitV2) error) error {
	_, err := foundOr(noTagLimit, func() (struct{}, error) {
		return struct{}{}, c.write(ctx, who, func(w *work) error {
			l, err := which.tagLimit(w.Tx)
			if err != nil {
				return err
			}
			return change(w, l)
		})
	})
	return err
}

// tagWait is how long a task run that found a tag full is asked to wait.
const tagWait = 10 * time.Second

// AcquireTags takes a slot of the limit on each tag for a task run, all or none. *Full
// says which tag has no room.
func (c *Core) AcquireTags(ctx context.Context, who Caller, tags []string, taskRun uuid.UUID) (taken []api.MinimalConcurrencyLimitResponse, err error) {
	var full *Full
	err = c.write(ctx, who, func(w *work) error {
		full = nil
		if err := w.boundOrNew(taskRun); err != nil {
			return err
		}
		found, err := w.LockSlots(tagNames(tags))
		if err != nil {
			return err
		}
		for i := range found {
			if !found[i].Fits(1, w.now.Time) {
				full = tagFull(&found[i])
				return nil
			}
		}
		for i := range found {
			next := found[i].Acquired(1, w.now.Time)
			if err := w.SaveSlots(&next); err != nil {
				return err
			}
		}
		taken = byTag(found)
		slices.SortStableFunc(taken, func(a, b api.MinimalConcurrencyLimitResponse) int {
			return cmp.Compare(slices.Index(tags, a.Name), slices.Index(tags, b.Name))
		})
		return w.leaseToTaskRun(found, taskRun)
	})
	if err == nil && full != nil {
		return nil, full
	}
	return taken, err
}

func tagFull(l *limits.Limit) *Full {
	tag := strings.TrimPrefix(l.Name, tagPrefix)
	if l.Limit == 0 {
		return &Full{Hopeless: true, Words: `The concurrency limit on tag "` + tag + `" is 0 and will deadlock if the task tries to run again.`}
	}
	return &Full{After: tagWait, Words: "Concurrency limit for the " + tag + " tag has been reached"}
}

func tagNames(tags []string) []string {
	names := make([]string, len(tags))
	for i, tag := range tags {
		names[i] = tagPrefix + tag
	}
	return names
}

func byTag(found []limits.Limit) []api.MinimalConcurrencyLimitResponse {
	out := minimal(found)
	for i := range out {
		out[i].Name = strings.TrimPrefix(out[i].Name, tagPrefix)
	}
	return out
}

// ReleaseTags gives back the slots that a task run has of tags.
func (c *Core) ReleaseTags(ctx context.Context, who Caller, tags []string, taskRun uuid.UUID) (freed []api.MinimalConcurrencyLimitResponse, err error) {
	err = c.write(ctx, who, func(w *work) error {
		if err := w.boundOrNew(taskRun); err != nil {
			return err
		}
		found, err := w.LockSlots(tagNames(tags))
		if err != nil {
			return err
		}
		freed = minimal(found)
		ids := make([]uuid.UUID, len(found))
		for i := range found {
			ids[i] = found[i].ID
		}
		return w.ReleaseSlotsIn(ids, taskRunHolder, taskRun, w.now)
	})
	return freed, err
}
