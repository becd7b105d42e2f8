package core

import (
	"context"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/store"
)

// emit stores an event of the server's own in the transaction and publishes it after the
// commit. What it needs to have is an id, occurred, a name and a resource.
func (w *work) emit(e api.ReceivedEvent) error {
	e.Received = w.now
	e.Payload = api.Object(e.Payload)
	_, err := w.store(&e)
	return err
}

// store stores events, tells of the new ones and returns them.
func (w *work) store(events ...*api.ReceivedEvent) ([]*api.ReceivedEvent, error) {
	fresh, err := w.InsertEvents(events)
	if err != nil {
		return nil, err
	}
	for _, e := range fresh {
		w.stored(e)
	}
	return fresh, w.catalogue(fresh, nil)
}

// The bounds of an event.
const (
	maxEventName = 1024
	maxRelated   = 100
)

// ReadEvent reads one event as a client sends it and checks it.
func ReadEvent(raw []byte) (api.ReceivedEvent, error) {
	var in api.Event
	if err := api.DecodeEvent(raw, &in); err != nil {
		return api.ReceivedEvent{}, err
	}
	return Received(&in)
}

// Received turns a decoded event into the stored form, or says which bound it breaks.
func Received(in *api.Event) (api.ReceivedEvent, error) {
	e := received(in)
	broken := checkEvent(&e)
	if len(broken) == 0 {
		return e, nil
	}
	for i := range broken {
		broken[i].Loc = append([]any{"body"}, broken[i].Loc...)
	}
	return e, api.Invalid(nil, broken...)
}

// ReceivedAll is Received for a batch, of which body is the text: all of it counts, or
// nothing.
func ReceivedAll(body jsontext.Value, in []api.Event) ([]api.ReceivedEvent, error) {
	out := make([]api.ReceivedEvent, len(in))
	var found []api.Violation
	for i := range in {
		out[i] = received(&in[i])
		for _, broken := range checkEvent(&out[i]) {
			broken.Loc = append([]any{"body", i}, broken.Loc...)
			found = append(found, broken)
		}
	}
	if len(found) > 0 {
		return nil, api.Invalid(body, found...)
	}
	return out, nil
}

func received(in *api.Event) api.ReceivedEvent {
	return api.ReceivedEvent{
		Occurred: in.Occurred, Event: in.Event, Resource: in.Resource, Related: in.Related.Or(nil),
		Payload: api.Object(in.Payload.Or(nil)), ID: in.ID, Follows: in.Follows.Ptr(),
	}
}

// checkEvent says which bounds an event breaks.
func checkEvent(e *api.ReceivedEvent) (found []api.Violation) {
	if utf8.RuneCountInString(e.Event) > maxEventName {
		found = append(found, brokenBound(e.Event, "Event name must be at most 1024 characters", "event"))
	}
	if problem := api.ResourceProblem(e.Resource); problem != "" {
		found = append(found, brokenBound(e.Resource, problem, "resource"))
	}
	before := len(found)
	for i, r := range e.Related {
		if problem := api.RelatedProblem(r); problem != "" {
			found = append(found, brokenBound(r, problem, "related", i))
		}
	}
	if len(e.Related) > maxRelated && len(found) == before {
		found = append(found, brokenBound(e.Related, "The maximum number of related resources is 100", "related"))
	}
	if e.Payload.Kind() != '{' {
		found = append(found, api.Violation{Type: "dict_type", Loc: []any{"payload"}, Msg: "Input should be a valid dictionary", Input: e.Payload})
	}
	return found
}

func brokenBound(value any, problem string, at ...any) api.Violation {
	input, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		input = nil // it is told without
	}
	return api.Violation{Type: "value_error", Loc: at, Msg: "Value error, " + problem, Input: input}
}

// eventPage is how many events are read at a time.
const eventPage = 250

// EachEvent calls each for the stored events that want selects, oldest first. want must
// have a lower bound; without an upper one it ends with what is stored.
func (c *Core) EachEvent(ctx context.Context, who Caller, want *filter.Event, each func(*api.ReceivedEvent) error) error {
	since, until := api.At(*want.Since), c.now()
	if want.Until != nil {
		until = api.At(*want.Until)
	}
	at, last := since, int64(0)
	for {
		page, err := value(ctx, c, who, func(tx *store.Tx) ([]store.Stored[api.ReceivedEvent], error) {
			return tx.EventsAfter(since, until, at, last, eventPage)
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			e := &page[i].Value
			at, last = e.Occurred, page[i].Seq
			if !want.Matches(e) {
				continue
			}
			if err := each(e); err != nil {
				return err
			}
		}
	}
}
