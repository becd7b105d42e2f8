package core

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/heartbeat"
	"github.com/usherhq/usher/internal/rules/names"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// Ingest stores events that clients sent and records the task-run states among them, all
// in one transaction. Events that were stored before are passed over. What a task-run
// event reports wrongly is logged and passed over, since its sender can't mend it.
func (c *Core) Ingest(ctx context.Context, who Caller, events []api.ReceivedEvent) error {
	return c.write(ctx, who, func(w *work) error {
		accepted := make([]*api.ReceivedEvent, 0, len(events))
		for i := range events {
			may, err := w.mayTell(&events[i])
			if err != nil {
				return err
			}
			if !may {
				w.core.Log.WarnContext(w.ctx, "event of a run about what does not belong to it is dropped", "event", events[i].ID, "run", who.Run)
			} else if w.accepts(&events[i]) {
				accepted = append(accepted, &events[i])
			}
		}
		fresh, err := w.store(accepted...)
		if err != nil {
			return err
		}
		for _, e := range fresh {
			if err := w.heed(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// maxEventSize is how many bytes an event may have. Larger ones are dropped without
// telling their senders, as the contract says.
const maxEventSize = 1_500_000

// eventSize is about the length of an event as JSON.
func eventSize(e *api.ReceivedEvent) int {
	n := len(e.Event) + len(e.Payload)
	for _, resource := range append([]api.Resource{e.Resource}, e.Related...) {
		for label, value := range resource {
			n += len(label) + len(value) + len(`"":"",`)
		}
	}
	return n
}

// accepts completes an event that a client sent and says whether it is stored.
func (w *work) accepts(e *api.ReceivedEvent) bool {
	e.Received = w.now
	e.Payload = api.Object(e.Payload)
	size := eventSize(e)
	if size > maxEventSize {
		w.core.Log.WarnContext(w.ctx, "event is too large and dropped", "event", e.ID, "bytes", size, "most", maxEventSize)
	}
	return size <= maxEventSize
}

// heed does what a new event of a client asks for.
func (w *work) heed(e *api.ReceivedEvent) error {
	if e.Event == heartbeat.Event {
		return w.noteHeartbeat(e)
	}
	if !states.IsReport(e) {
		return nil
	}
	report, err := states.ReadReport(e)
	if err != nil {
		w.core.Log.WarnContext(w.ctx, "task run report can't be read", "event", e.ID, "error", err)
		return nil
	}
	err = w.RecordTaskRun(report, names.Pick(rand.Uint64()), w.now) //nolint:gosec // a name, no secret
	if errors.Is(err, store.ErrForeignKey) {
		w.core.Log.WarnContext(w.ctx, "task run report of a flow run that is gone", "event", e.ID, "task_run", report.TaskRunID)
		return nil
	}
	return err
}
