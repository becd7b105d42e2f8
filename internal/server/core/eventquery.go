package core

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/eventcount"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/store"
)

// EventQuery is a question about stored events.
type EventQuery struct {
	want     filter.Event
	order    api.EventOrder
	distinct bool // one event of each resource
}

// usualPast is how far back a query looks that does not say so itself.
const usualPast = 180 * 24 * time.Hour

// ReadEventQuery reads a filter. What it leaves open is filled in: it begins half a year
// ago and ends now.
func (c *Core) ReadEventQuery(in *api.EventFilter) (*EventQuery, error) {
	want, err := filter.ParseEvent(in)
	if err != nil {
		return nil, err
	}
	q := &EventQuery{want: want, order: api.EventOrderDesc}
	if in.Occurred == nil {
		in.Occurred = &api.EventOccurredFilter{}
	}
	now := c.now()
	if in.Occurred.Since == nil {
		in.Occurred.Since = api.AtPtr(now.Truncate(24 * time.Hour).Add(-usualPast))
	}
	if in.Occurred.Until == nil {
		in.Occurred.Until = &now
	}
	q.want.Since, q.want.Until = &in.Occurred.Since.Time, &in.Occurred.Until.Time
	q.order = in.Order.Or(api.EventOrderDesc)
	q.distinct = in.Resource != nil && in.Resource.Distinct != nil && *in.Resource.Distinct
	return q, nil
}

// Matches says whether the query selects an event.
func (q *EventQuery) Matches(e *api.ReceivedEvent) bool { return q.want.Matches(e) }

// Events lists a page of events and counts all that the query selects.
func (c *Core) Events(ctx context.Context, who Caller, q *EventQuery, limit, offset int) (events []api.ReceivedEvent, total int, err error) {
	events = []api.ReceivedEvent{}
	err = c.read(ctx, who, func(tx *store.Tx) error {
		if q.want.IsPlain() && !q.distinct {
			if total, err = tx.CountEvents(&q.want); err != nil {
				return err
			}
			events, err = tx.Events(&q.want, q.order, limit, offset)
			return err
		}
		return q.each(tx, func(e *api.ReceivedEvent) {
			if total >= offset && len(events) < limit {
				events = append(events, *e)
			}
			total++
		})
	})
	return events, total, err
}

// each calls each for the events that the query selects.
func (q *EventQuery) each(tx *store.Tx, each func(*api.ReceivedEvent)) error {
	seen := map[string]bool{}
	return tx.EachEvent(&q.want, q.order, func(e *api.ReceivedEvent) error {
		id := e.Resource["prefect.resource.id"]
		if q.distinct && seen[id] || !q.want.Matches(e) {
			return nil
		}
		seen[id] = true
		each(e)
		return nil
	})
}

// CountEvents counts events by time, by name or by resource.
func (c *Core) CountEvents(ctx context.Context, who Caller, q *EventQuery, by api.Countable, unit api.TimeUnit, interval float64) (out []api.EventCount, err error) {
	if err := eventcount.Check(unit, interval, *q.want.Since, *q.want.Until); err != nil {
		return nil, err
	}
	return value(ctx, c, who, func(tx *store.Tx) ([]api.EventCount, error) {
		switch by {
		case api.CountableEvent:
			return q.countBy(tx, tx.EventCounts, func(e *api.ReceivedEvent) (value, label string) { return e.Event, e.Event })
		case api.CountableResource:
			return q.countBy(tx, tx.ResourceCounts, resourceAndName)
		}
		spans, err := eventcount.New(unit, interval, *q.want.Since, *q.want.Until, c.Clock())
		if err != nil {
			return nil, err
		}
		return q.countByTime(tx, spans)
	})
}

// CountThese is CountEvents of events that the query has selected already.
func (c *Core) CountThese(events []api.ReceivedEvent, q *EventQuery, by api.Countable, unit api.TimeUnit, interval float64) ([]api.EventCount, error) {
	if err := eventcount.Check(unit, interval, *q.want.Since, *q.want.Until); err != nil {
		return nil, err
	}
	if by != api.CountableEvent && by != api.CountableResource {
		spans, err := eventcount.New(unit, interval, *q.want.Since, *q.want.Until, c.Clock())
		if err != nil {
			return nil, err
		}
		for i := range events {
			spans.Add(events[i].Occurred.Time)
		}
		return spans.Counts(), nil
	}
	var t tally
	for i := range events {
		value, label := events[i].Event, events[i].Event
		if by == api.CountableResource {
			value, label = resourceAndName(&events[i])
		}
		t.addOne(&events[i], value, label)
	}
	sortCounts(t.counts)
	return t.counts, nil
}

func (q *EventQuery) countByTime(tx *store.Tx, spans *eventcount.Spans) ([]api.EventCount, error) {
	add := func(at api.Time) { spans.Add(at.Time) }
	err := error(nil)
	if q.want.IsPlain() {
		err = tx.EachOccurrence(&q.want, add)
	} else {
		err = q.each(tx, func(e *api.ReceivedEvent) { add(e.Occurred) })
	}
	return spans.Counts(), err
}

// countBy counts by a value of events, the most frequent first; count does so where SQL
// knows the whole filter, and of says value and label of an event.
func (q *EventQuery) countBy(tx *store.Tx, count func(*filter.Event) ([]api.EventCount, error), of func(*api.ReceivedEvent) (value, label string)) ([]api.EventCount, error) {
	var t tally
	if q.want.IsPlain() {
		counts, err := count(&q.want)
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			t.add(c)
		}
	} else {
		err := q.each(tx, func(e *api.ReceivedEvent) {
			value, label := of(e)
			t.addOne(e, value, label)
		})
		if err != nil {
			return nil, err
		}
	}
	sortCounts(t.counts)
	return t.counts, nil
}

// tally adds counts of the same value up. The label is the newest one.
type tally struct {
	counts []api.EventCount
	at     map[string]int
}

func (t *tally) addOne(e *api.ReceivedEvent, value, label string) {
	t.add(api.EventCount{Value: value, Label: label, Count: 1, StartTime: e.Occurred, EndTime: e.Occurred})
}

func (t *tally) add(c api.EventCount) {
	i, known := t.at[c.Value]
	if !known {
		if t.at == nil {
			t.at = map[string]int{}
		}
		t.at[c.Value] = len(t.counts)
		t.counts = append(t.counts, c)
		return
	}
	sum := &t.counts[i]
	sum.Count += c.Count
	if c.StartTime.Before(sum.StartTime.Time) {
		sum.StartTime = c.StartTime
	}
	if c.EndTime.After(sum.EndTime.Time) {
		sum.EndTime, sum.Label = c.EndTime, c.Label
	}
}

// resourceAndName are the id of the resource of an event and what people call it.
func resourceAndName(e *api.ReceivedEvent) (id, name string) {
	id = e.Resource["prefect.resource.id"]
	for _, label := range []string{"prefect.resource.name", "prefect.name"} {
		if name, named := e.Resource[label]; named {
			return id, name
		}
	}
	return id, id
}

func sortCounts(counts []api.EventCount) {
	slices.SortFunc(counts, func(a, b api.EventCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Value, b.Value))
	})
}
