package trigger

import (
	"time"

	"github.com/usherhq/usher/internal/api"
)

// Bucket counts the events of a window, [Start, End).
type Bucket struct {
	Start, End time.Time
	Count      int
	// Last is the newest event, of a proactive trigger, which fires without one at hand.
	Last *api.ReceivedEvent
}

// react counts an event that the trigger covers. b is the bucket it falls into, nil when
// there is none; the bucket that there is then is returned. fire is called when the trigger
// fires, with the event.
func (t *Trigger) react(b *Bucket, e *api.ReceivedEvent, fire func(*api.ReceivedEvent)) *Bucket {
	at, expected := e.Occurred.Time, t.expects(e.Event)
	switch {
	case t.startsAfter(e.Event):
		first := &Bucket{Start: at, End: at.Add(t.Within)}
		if expected {
			first.Count = -1 // the event that opens the window is not one that is waited for
		}
		b = ensure(b, first, t.remember(e))
	case len(t.After) == 0 && expected:
		b = ensure(b, &Bucket{Start: at.Add(-lookback), End: at.Add(t.Within)}, t.remember(e))
	}
	if b == nil || !expected {
		return b
	}
	return t.evaluate(b, at, e, fire)
}

// remember is the event that a bucket keeps.
func (t *Trigger) remember(e *api.ReceivedEvent) *api.ReceivedEvent {
	if t.IsProactive() {
		return e
	}
	return nil
}

func ensure(b, first *Bucket, last *api.ReceivedEvent) *Bucket {
	if b == nil {
		b = first
	}
	b.Last = last
	return b
}

// evaluate looks at a bucket when an event has come, or without one when time has passed.
func (t *Trigger) evaluate(b *Bucket, now time.Time, e *api.ReceivedEvent, fire func(*api.ReceivedEvent)) *Bucket {
	if now.Before(b.Start) {
		return b // late, or the trigger has fired in this window
	}
	unspent := e != nil
	if unspent && (t.isImmediate() || now.Before(b.End)) {
		b.Count++
		b.Last = t.remember(e)
		unspent = false
	}
	isOver, meets := !now.Before(b.End), t.meets(b.Count)
	fires := meets && (isOver || !t.IsProactive())
	switch {
	case fires && e == nil:
		fire(b.Last)
	case fires:
		fire(e)
	case !isOver:
		return t.renewed(b, e, meets)
	}
	switch {
	case len(t.After) > 0:
		return nil
	case t.Within == 0 && fires:
		return nil
	case t.Within == 0:
		return b
	}
	return t.next(b, now, e, unspent, fire)
}

// renewed is a bucket whose window goes on. A proactive trigger that an event both ends
// and starts, like a heartbeat, waits anew from the latest one.
func (t *Trigger) renewed(b *Bucket, e *api.ReceivedEvent, meets bool) *Bucket {
	if e == nil || !t.IsProactive() || meets || !t.startsAfter(e.Event) || !t.expects(e.Event) {
		return b
	}
	return &Bucket{Start: e.Occurred.Time, End: e.Occurred.Add(t.Within), Last: e}
}

// next opens the bucket behind b. An event that came after b's window counts there.
func (t *Trigger) next(b *Bucket, now time.Time, e *api.ReceivedEvent, unspent bool, fire func(*api.ReceivedEvent)) *Bucket {
	start := b.End
	if now.After(start) {
		start = now
	}
	n := &Bucket{Start: start, End: start.Add(t.Within)}
	if unspent && !t.IsProactive() {
		return t.evaluate(n, now, e, fire)
	}
	if unspent {
		n.Count = 1
	}
	return n
}
