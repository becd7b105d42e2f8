package report

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

const (
	eventInterval = 100 * time.Millisecond
	maxEventBatch = 100
	maxEventQueue = 20_000
)

// Events ships events to the API in batches.
type Events struct {
	q   *queue[api.Event]
	now func() time.Time
}

// NewEvents makes Events; lost is told of events that the API refused.
func NewEvents(c *client.Client, now func() time.Time, lost func(n int, err error)) *Events {
	return &Events{now: now, q: newQueue(&queue[api.Event]{
		interval: eventInterval, maxBatch: maxEventBatch, maxQueue: maxEventQueue, failed: lost,
		size: func(api.Event) int { return 1 },
		send: c.CreateEvents,
	})}
}

// Run ships until ctx ends, then for a few seconds what is left.
func (e *Events) Run(ctx context.Context) error {
	e.q.run(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalFlush)
	defer cancel()
	e.q.flush(last)
	return nil
}

// Emit queues an event and returns its id, for a later event that follows it.
func (e *Events) Emit(name string, resource api.Resource, related []api.RelatedResource, follows uuid.UUID) uuid.UUID {
	event := api.Event{
		ID: newID(), Occurred: api.At(e.now()), Event: name, Resource: resource,
		Related: api.Some(related),
	}
	if follows != uuid.Nil {
		event.Follows = api.Some(follows)
	}
	e.q.add(event)
	return event.ID
}

// Related names an object of the API as a related resource whose role is its kind.
func Related(kind string, id uuid.UUID, name string) api.RelatedResource {
	return api.RelatedResource{
		"prefect.resource.id": "prefect." + kind + "." + id.String(), "prefect.resource.role": kind, "prefect.resource.name": name,
	}
}

// RelatedTags names tags as related resources.
func RelatedTags(tags []string) []api.RelatedResource {
	out := make([]api.RelatedResource, len(tags))
	for i, tag := range tags {
		out[i] = api.RelatedResource{"prefect.resource.id": "prefect.tag." + tag, "prefect.resource.role": "tag"}
	}
	return out
}

// newID is a UUIDv7, as the reference's events have.
func newID() uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.New()
	}
	return id
}
