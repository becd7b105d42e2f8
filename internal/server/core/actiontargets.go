package core

import (
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
)

// target is the object that an action acts on: the selected one, or the first of its kind
// that the event is about or related to.
func (d *deed) target(kind string) (uuid.UUID, error) {
	if d.Source == automation.Selected && d.Target != nil {
		return *d.Target, nil
	}
	words := strings.ReplaceAll(kind, "-", " ")
	if d.Event == nil {
		return uuid.UUID{}, notDone("No event to infer the " + words)
	}
	if id, ok := firstOfKind(d.Event, kind); ok {
		return id, nil
	}
	return uuid.UUID{}, notDone("No " + words + " could be inferred")
}

// flowRun is the flow run that an action acts on: the one that the trigger counted for,
// or the first that the event is about or related to.
func (d *deed) flowRun() (uuid.UUID, error) {
	if id, ok := idOfKind(d.Firing.Labels["prefect.resource.id"], "flow-run"); ok {
		return id, nil
	}
	if d.Event != nil {
		if id, ok := firstOfKind(d.Event, "flow-run"); ok {
			return id, nil
		}
	}
	return uuid.UUID{}, notDone("No flow run could be inferred")
}

// firstOfKind is the id of the first resource of a kind in an event; the kind's first
// resource decides, whether it has a readable id or not.
func firstOfKind(e *api.ReceivedEvent, kind string) (uuid.UUID, bool) {
	for _, r := range append([]api.RelatedResource{e.Resource}, e.Related...) {
		id := r["prefect.resource.id"]
		if i := strings.LastIndexByte(id, '.'); i >= 0 && id[:i] == "prefect."+kind {
			return idOfKind(id, kind)
		}
	}
	return uuid.UUID{}, false
}

func idOfKind(resourceID, kind string) (uuid.UUID, bool) {
	text, isKind := strings.CutPrefix(resourceID, "prefect."+kind+".")
	id, err := uuid.Parse(text)
	return id, isKind && err == nil
}

// involve notes a resource that the action produced or acted on. further are labels.
func (d *deed) involve(kind string, id uuid.UUID, name, role string) {
	d.related = append(d.related, resource(kind, id, name, roleLabel, role))
}
