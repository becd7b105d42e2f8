package core

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/trigger"
	"github.com/usherhq/usher/internal/store"
)

// act tells that an automation has fired and queues its actions: those of every firing
// answer to the event that made it fire, those of a change to triggered to that change.
func (w *work) act(on *watched, f *trigger.Firing) error {
	if slices.Contains(f.States, trigger.Resolved) {
		return w.resolve(on, f)
	}
	triggered, err := w.triggeredEvent("triggered", on, f)
	if err != nil {
		return err
	}
	if err := w.emit(*triggered); err != nil {
		return err
	}
	return w.queue(on, f, triggered, answer{on.automation.Actions, f.Event}, answer{on.automation.ActionsOnTrigger, triggered})
}

// resolve tells that what an automation has fired for is over.
func (w *work) resolve(on *watched, f *trigger.Firing) error {
	resolved, err := w.triggeredEvent("resolved", on, f)
	if err != nil {
		return err
	}
	if err := w.emit(*resolved); err != nil {
		return err
	}
	return w.queue(on, f, resolved, answer{on.automation.ActionsOnResolve, resolved})
}

// answer are actions, and the event that they answer to.
type answer struct {
	actions []jsontext.Value
	event   *api.ReceivedEvent
}

func (w *work) queue(on *watched, f *trigger.Firing, told *api.ReceivedEvent, lists ...answer) error {
	index := 0
	for _, list := range lists {
		for _, action := range list.actions {
			err := w.QueueAction(&store.QueuedAction{
				ID: newID(), Due: w.now, Index: index, Action: action, Automation: &on.automation, Firing: f, Event: list.event, TriggeredEvent: told.ID,
			})
			if err != nil {
				return err
			}
			index++
		}
	}
	if index > 0 {
		w.publish(ActionsQueued{w.Workspace()})
	}
	return nil
}

func (w *work) triggeredEvent(what string, on *watched, f *trigger.Firing) (*api.ReceivedEvent, error) {
	e := w.about("prefect.automation."+what, resource("automation", on.automation.ID, on.automation.Name))
	e.Occurred, e.Received = f.Triggered, w.now
	if on.root.Posture != "" {
		e.Resource["prefect.posture"] = on.root.Posture
	}
	if f.Event != nil {
		e.Related = []api.RelatedResource{eventResource(f.Event.ID, "triggering-event")}
	}
	payload, err := json.Marshal(struct {
		Labels map[string]string  `json:"triggering_labels"`
		Event  *api.ReceivedEvent `json:"triggering_event"`
	}{f.Labels, f.Event}, json.Deterministic(true))
	e.Payload = payload
	return &e, err
}

// eventResource is an event that plays a role in another one.
func eventResource(id uuid.UUID, role string) api.RelatedResource {
	return resource("event", id, "", roleLabel, role)
}
