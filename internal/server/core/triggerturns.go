package core

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/trigger"
	"github.com/usherhq/usher/internal/store"
)

// Turn evaluates the proactive triggers and those of metrics whose turn it is and says when the next one's is,
// nil when there is none. It must come after Advance has seen all events: what is not
// there then has stayed away.
func (t *Triggers) Turn(ctx context.Context) (next *api.Time, err error) {
	if !t.isLoaded || len(t.timed) == 0 {
		return nil, nil
	}
	turns, err := value(ctx, t.core, t.who, (*store.Tx).Turns)
	if err != nil {
		return nil, err
	}
	due, next := t.due(turns, t.core.now())
	if len(due) == 0 {
		return next, nil
	}
	p := &plan{from: t.stored, to: t.at}
	err = t.core.write(ctx, t.who, func(w *work) error {
		ev, err := t.evaluation(w, p.from, p.to)
		if err != nil {
			return err
		}
		if turns, err = w.Turns(); err != nil {
			return err
		}
		due, _ := t.due(turns, w.now)
		for _, one := range due {
			if turns[one.ID], err = ev.turn(one); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errElsewhere) {
		now := t.core.now()
		next = &now
	} else if err == nil {
		_, next = t.due(turns, api.Time{})
	}
	return next, t.settled(p, err)
}

// due lists the triggers whose turn it is, and says when the next one's is. Whoever has
// had none yet has one now.
func (t *Triggers) due(turns map[uuid.UUID]api.Time, now api.Time) (due []*trigger.Trigger, next *api.Time) {
	for _, one := range t.timed {
		at, has := turns[one.ID]
		switch {
		case !has, !at.After(now.Time):
			due = append(due, one)
		case next == nil || at.Before(next.Time):
			next = &at
		}
	}
	return due, next
}

// turn evaluates a proactive trigger and says when its next turn is.
func (ev *evaluation) turn(t *trigger.Trigger) (next api.Time, err error) {
	ev.book.Buckets, ev.book.Fired = map[trigger.Place]*trigger.Bucket{}, nil
	if err := ev.open([]*trigger.Trigger{t}); err != nil {
		return next, err
	}
	buckets, err := ev.BucketsInTurn(t.ID, ev.now, t.Threshold)
	if err != nil {
		return next, err
	}
	ev.put(buckets)
	if t.IsMeasured() {
		return ev.measured(t)
	}
	ev.book.Begin(t, ev.now.Time)
	next = api.At(ev.book.Turn(t, ev.now.Time))
	if err := ev.save(); err != nil {
		return next, err
	}
	first, err := ev.FirstBucketEnd(t.ID, ev.now)
	if err != nil {
		return next, err
	}
	if first != nil && first.Before(next.Time) {
		next = *first
	}
	if err := ev.StartTurns(t.Automation, t.ID, next); err != nil {
		return next, err
	}
	return next, ev.SetTurn(t.ID, next)
}

// measuredEvery is how often triggers of metrics are looked at.
const measuredEvery = 15 * time.Second

// measured looks at the metric of a trigger and says when to look again.
func (ev *evaluation) measured(t *trigger.Trigger) (next api.Time, err error) {
	wants, err := relatedWants(t.MatchRelated)
	if err != nil {
		return next, err
	}
	q := &metricQuery{metric: t.Metric.Name, wants: wants}
	value, err := q.level(ev.Tx, ev.now.Add(-t.Range), ev.now.Time)
	if err != nil {
		return next, err
	}
	ev.book.Measure(t, value, ev.now.Time)
	if err := ev.save(); err != nil {
		return next, err
	}
	next = api.At(ev.now.Add(measuredEvery))
	if err := ev.StartTurns(t.Automation, t.ID, next); err != nil {
		return next, err
	}
	return next, ev.SetTurn(t.ID, next)
}
