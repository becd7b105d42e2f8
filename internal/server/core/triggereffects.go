package core

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/trigger"
	"github.com/usherhq/usher/internal/store"
)

// effects moves the cursor, which keeps others out, and carries out a plan.
func (t *Triggers) effects(w *work, p *plan) error {
	ev, err := t.evaluation(w, p.from, p.to)
	if err != nil {
		return err
	}
	if err := ev.react(p.reactions); err != nil {
		return err
	}
	for _, e := range p.hold {
		if err := w.HoldEvent(triggersReader, e); err != nil {
			return err
		}
	}
	return w.ReleaseEvents(triggersReader, p.release)
}

// evaluation is the evaluation of triggers in a transaction.
type evaluation struct {
	*work
	triggers *Triggers
	book     *trigger.Book
	buckets  map[trigger.Place]trigger.Bucket // as they were
	children map[uuid.UUID][]*trigger.Firing  // as they were
	owners   map[uuid.UUID]uuid.UUID          // automations by the ids of their triggers
}

func (t *Triggers) evaluation(w *work, from, to store.Place) (*evaluation, error) {
	moved, err := w.MoveCursor(triggersReader, from, to, w.now)
	if err == nil && !moved {
		err = errElsewhere
	}
	last := w.now
	tick := func() api.Time {
		last = api.At(last.Add(time.Microsecond))
		return last
	}
	return &evaluation{
		work: w, triggers: t, owners: map[uuid.UUID]uuid.UUID{}, buckets: map[trigger.Place]trigger.Bucket{},
		book: &trigger.Book{NewID: newID, Now: tick, Buckets: map[trigger.Place]*trigger.Bucket{}},
	}, err
}

// react lets triggers count events.
func (ev *evaluation) react(reactions []reaction) error {
	if len(reactions) == 0 {
		return nil
	}
	triggers, places := []*trigger.Trigger{}, []trigger.Place{}
	for _, r := range reactions {
		triggers, places = append(triggers, r.trigger), append(places, trigger.PlaceOf(r.trigger, r.event))
	}
	if err := ev.open(triggers); err != nil {
		return err
	}
	buckets, err := ev.Buckets(places)
	if err != nil {
		return err
	}
	ev.put(buckets)
	for _, r := range reactions {
		ev.book.React(r.trigger, r.event)
	}
	return ev.save()
}

// open locks the automations of triggers as they are in memory, and reads the firings that
// their compounds and sequences hold.
func (ev *evaluation) open(triggers []*trigger.Trigger) error {
	var ids []uuid.UUID
	for _, t := range triggers {
		for up := t; up != nil; up = up.Parent {
			ev.owners[up.ID] = t.Automation
		}
		if !slices.Contains(ids, t.Automation) {
			ids = append(ids, t.Automation)
		}
	}
	updated, err := ev.LockAutomations(ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		at, isThere := updated[id]
		if !isThere || !at.Equal(ev.triggers.watched[id].automation.Updated.Time) {
			return errElsewhere
		}
	}
	ev.book.Children, err = ev.ChildFirings(ids)
	ev.children = map[uuid.UUID][]*trigger.Firing{}
	for parent, firings := range ev.book.Children {
		ev.children[parent] = slices.Clone(firings)
	}
	return err
}

func (ev *evaluation) put(buckets map[trigger.Place]*trigger.Bucket) {
	for at, b := range buckets {
		ev.buckets[at], ev.book.Buckets[at] = *b, b
	}
}

// save writes what has changed, and what the firings of automations lead to.
func (ev *evaluation) save() error {
	for at, b := range ev.book.Buckets {
		before, was := ev.buckets[at]
		if was == (b != nil) && (b == nil || *b == before) {
			continue
		}
		if err := ev.SaveBucket(ev.owners[at.Trigger], at, b); err != nil {
			return err
		}
	}
	for parent, firings := range ev.book.Children {
		if slices.Equal(firings, ev.children[parent]) {
			continue
		}
		if err := ev.SaveChildFirings(ev.owners[parent], parent, firings); err != nil {
			return err
		}
	}
	for _, f := range ev.book.Fired {
		if err := ev.act(ev.triggers.watched[ev.owners[f.By]], f); err != nil {
			return err
		}
	}
	return nil
}
