package core

import (
	"slices"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// ordering brings events into the order of cause and effect: one that follows an event
// that has not come yet is held, and comes after it.
type ordering struct {
	triggers *Triggers
	plan     *plan
	heads    []store.EventHead

	places map[uuid.UUID]store.Place          // of the leaders that are not among the heads before
	held   map[uuid.UUID]bool                 // leaders that are stored and wait themselves
	events map[uuid.UUID]*api.ReceivedEvent   // the heads whose whole event is needed
	wait   map[uuid.UUID][]*api.ReceivedEvent // what waits, by its leader
	done   map[uuid.UUID]bool
}

const (
	// deepest is how many events that wait for one another are followed at once.
	deepest = 20
	// eventBatch is how many whole events are read at once.
	eventBatch = 200
)

// arrange fills the plan.
func (o *ordering) arrange(tx *store.Tx) error {
	o.done, o.wait = map[uuid.UUID]bool{}, map[uuid.UUID][]*api.ReceivedEvent{}
	anyHeld, err := tx.AnyHeld(triggersReader)
	if err != nil {
		return err
	}
	if err := o.findLeaders(tx, anyHeld); err != nil {
		return err
	}
	if anyHeld {
		if err := o.findWaiting(tx); err != nil {
			return err
		}
	}
	if wanted := o.wanted(); len(wanted) > 0 {
		if o.events, err = tx.EventsByID(wanted); err != nil {
			return err
		}
	}
	for i := range o.heads {
		o.take(&o.heads[i])
	}
	return nil
}

// leader is the event that another one must come after.
func leader(id uuid.UUID, follows *uuid.UUID) (uuid.UUID, bool) {
	if follows == nil || *follows == id {
		return uuid.UUID{}, false
	}
	return *follows, true
}

func (o *ordering) findLeaders(tx *store.Tx, anyHeld bool) (err error) {
	before, outside := map[uuid.UUID]bool{}, []uuid.UUID{}
	for _, h := range o.heads {
		if l, follows := leader(h.ID, h.Follows); follows && !before[l] {
			outside = append(outside, l)
		}
		before[h.ID] = true
	}
	if len(outside) == 0 {
		return nil
	}
	if o.places, err = tx.EventPlaces(outside); err != nil || !anyHeld {
		return err
	}
	held, err := tx.AreHeld(triggersReader, outside)
	o.held = map[uuid.UUID]bool{}
	for i := range held {
		o.held[held[i].ID] = true
	}
	return err
}

// findWaiting finds what waits for the heads, and what waits for that.
func (o *ordering) findWaiting(tx *store.Tx) error {
	leaders := make([]uuid.UUID, len(o.heads))
	for i := range o.heads {
		leaders[i] = o.heads[i].ID
	}
	for range deepest {
		list, err := tx.HeldEvents(triggersReader, leaders)
		if err != nil || len(list) == 0 {
			return err
		}
		leaders = leaders[:0]
		for i := range list {
			e := &list[i]
			o.wait[*e.Follows] = append(o.wait[*e.Follows], e)
			leaders = append(leaders, e.ID)
		}
	}
	return nil
}

// wanted lists the heads of which more than the head is needed: those that may matter to
// a trigger, and those that may have to wait. Events can be large, so the heads behind the
// last of a full batch are left for the next plan.
func (o *ordering) wanted() (ids []uuid.UUID) {
	early := map[uuid.UUID]bool{}
	before := map[uuid.UUID]bool{}
	for i, h := range o.heads {
		if len(ids) == eventBatch {
			o.heads = o.heads[:i]
			o.plan.to, o.plan.more, o.plan.changesAutomations = o.heads[i-1].Place, true, false
			break
		}
		if l, follows := leader(h.ID, h.Follows); follows {
			early[h.ID] = early[l] || !before[l] && !o.wasSeen(l)
		}
		before[h.ID] = true
		if early[h.ID] || len(o.triggers.index.Named(h.Event)) > 0 {
			ids = append(ids, h.ID)
		}
	}
	return ids
}

// wasSeen says that an event was evaluated before the heads.
func (o *ordering) wasSeen(id uuid.UUID) bool {
	at, stored := o.places[id]
	return stored && at.Compare(o.triggers.at) <= 0 && !o.held[id]
}

// take evaluates an event and what has waited for it, or holds it.
func (o *ordering) take(h *store.EventHead) {
	e := o.events[h.ID]
	if l, follows := leader(h.ID, h.Follows); e != nil && follows && !o.done[l] && !o.wasSeen(l) && o.triggers.core.now().Sub(h.Received.Time) < lookback {
		o.plan.hold = append(o.plan.hold, e)
		o.wait[l] = append(o.wait[l], e)
		return
	}
	if e != nil {
		o.plan.add(o.triggers, e)
	}
	o.finish(h.ID)
}

// finish releases what has waited for an event, in the order in which it occurred.
func (o *ordering) finish(id uuid.UUID) {
	o.done[id] = true
	waiting := o.wait[id]
	delete(o.wait, id)
	slices.SortStableFunc(waiting, func(a, b *api.ReceivedEvent) int { return a.Occurred.Compare(b.Occurred.Time) })
	for _, e := range waiting {
		if i := slices.Index(o.plan.hold, e); i >= 0 {
			o.plan.hold = slices.Delete(o.plan.hold, i, i+1)
		} else {
			o.plan.release = append(o.plan.release, e.ID)
		}
		o.plan.add(o.triggers, e)
		o.finish(e.ID)
	}
}
