package trigger

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Firing says that a trigger has fired, in the form that is stored and handed to actions.
type Firing struct {
	ID        uuid.UUID          `json:"id"`
	By        uuid.UUID          `json:"-"` // the trigger
	Trigger   jsontext.Value     `json:"trigger"`
	States    []string           `json:"trigger_states"`
	Triggered api.Time           `json:"triggered"`
	Labels    map[string]string  `json:"triggering_labels"`
	Firings   []*Firing          `json:"triggering_firings"` // of a compound or sequence
	Event     *api.ReceivedEvent `json:"triggering_event"`
	Value     *float64           `json:"triggering_value"`
}

// The states that a firing can be of.
const (
	Triggered = "Triggered"
	Resolved  = "Resolved"
)

// Place is where a bucket is kept: a trigger and the JSON of the values of its for_each
// labels, or a digest when that is too long for an index.
type Place struct {
	Trigger uuid.UUID
	Key     string
}

// PlaceOf is where the trigger keeps the bucket that an event falls into.
func PlaceOf(t *Trigger, e *api.ReceivedEvent) Place { return place(t, t.key(e)) }

// longestKey is how long a key may be that an index has to hold.
const longestKey = 1000

func place(t *Trigger, key []string) Place {
	text, err := json.Marshal(append([]string{}, key...))
	if err != nil {
		text = []byte("[]") // strings can be written
	}
	if len(text) > longestKey {
		text = fmt.Appendf(nil, `["sha256:%x"]`, sha256.Sum256(text))
	}
	return Place{t.ID, string(text)}
}

// Book is what triggers remember, as far as the events at hand touch it. The caller puts
// in what is stored, lets triggers work, and stores Buckets and Children again.
type Book struct {
	NewID func() uuid.UUID
	Now   func() api.Time // never the same time twice
	// Buckets are those that were put in or came up; nil ones are gone.
	Buckets map[Place]*Bucket
	// Children are the firings that a compound or sequence holds.
	Children map[uuid.UUID][]*Firing
	// Fired are the firings of automations, in order.
	Fired []*Firing
}

// React lets a trigger count an event that it covers.
func (b *Book) React(t *Trigger, e *api.ReceivedEvent) {
	at := PlaceOf(t, e)
	b.Buckets[at] = t.react(b.Buckets[at], e, func(e *api.ReceivedEvent) { b.fireEvent(t, t.key(e), e) })
}

// Begin opens the first window of a proactive trigger that waits from the beginning.
func (b *Book) Begin(t *Trigger, now time.Time) {
	at := place(t, nil)
	if len(t.keys) == 0 && len(t.After) == 0 && b.Buckets[at] == nil {
		b.Buckets[at] = &Bucket{Start: now, End: now.Add(t.Within)}
	}
}

// Turn looks at the buckets of a proactive trigger as time has passed, and says when to
// look again. Without Begin there is nothing to see for a trigger that waits from the
// beginning.
func (b *Book) Turn(t *Trigger, now time.Time) (again time.Time) {
	again = now.Add(t.Within)
	for _, at := range b.places(t) {
		bucket := b.Buckets[at]
		if bucket.Count >= t.Threshold && !t.keepsKeys() {
			b.Buckets[at] = nil
			continue
		}
		bucket = t.evaluate(bucket, now, nil, func(e *api.ReceivedEvent) { b.fireEvent(t, keyOf(at), e) })
		b.Buckets[at] = bucket
		if bucket != nil && now.Before(bucket.End) && bucket.End.Before(again) {
			again = bucket.End
		}
	}
	return again
}

// keepsKeys says that a bucket is how the trigger knows of a value that it watches for good.
func (t *Trigger) keepsKeys() bool { return len(t.keys) > 0 && len(t.After) == 0 }

// places lists the buckets of a trigger, the earliest first.
func (b *Book) places(t *Trigger) []Place {
	var out []Place
	for at, bucket := range b.Buckets {
		if at.Trigger == t.ID && bucket != nil {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, func(x, y Place) int {
		if c := b.Buckets[x].Start.Compare(b.Buckets[y].Start); c != 0 {
			return c
		}
		return strings.Compare(x.Key, y.Key)
	})
	return out
}

func keyOf(at Place) (key []string) {
	if json.Unmarshal([]byte(at.Key), &key) != nil {
		return nil
	}
	return key
}

func (b *Book) fireEvent(t *Trigger, key []string, e *api.ReceivedEvent) {
	f := b.firing(t, e)
	f.Labels = t.labels(key)
	b.fire(t, f)
}

func (b *Book) firing(t *Trigger, e *api.ReceivedEvent, of ...*Firing) *Firing {
	return &Firing{
		ID: b.NewID(), By: t.ID, Trigger: t.Stored, States: []string{Triggered}, Triggered: b.Now(),
		Labels: map[string]string{}, Firings: append([]*Firing{}, of...), Event: e,
	}
}

// fire passes a firing on to what the trigger is part of.
func (b *Book) fire(t *Trigger, f *Firing) {
	parent := t.Parent
	switch {
	case parent == nil:
		b.Fired = append(b.Fired, f)
		return
	case parent.Required() == 1:
		b.fire(parent, b.firing(parent, f.Event, f))
		return
	}
	held := slices.DeleteFunc(b.Children[parent.ID], func(old *Firing) bool {
		isStale := parent.Span != nil && old.Triggered.Before(f.Triggered.Add(-*parent.Span))
		return old.By == f.By || isStale
	})
	held = append(held, f)
	if !parent.isReady(held) {
		b.Children[parent.ID] = held
		return
	}
	b.Children[parent.ID] = nil
	b.fire(parent, b.firing(parent, f.Event, held...))
}
