package actionvars

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/trigger"
)

// Names are what every template in an action can name: the automation, its firing and the
// firings and events in that, their labels, and the event that the action answers to.
func Names(automation *api.Automation, f *trigger.Firing, e *api.ReceivedEvent, ui string) (map[string]any, error) {
	on, err := ModelOf("Automation", "automation", automation)
	if err != nil {
		return nil, err
	}
	names := map[string]any{"automation": on, "labels": Labels(f.Labels), "event": nil}
	if e != nil {
		if names["event"], err = NewEvent(e, ui); err != nil {
			return nil, err
		}
	}
	all := &chain{ui: ui, firings: []any{}, events: []any{}}
	names["firing"], err = all.add(f)
	names["firings"], names["events"] = all.firings, all.events
	return names, err
}

// ModelOf is NewModel for what the API writes as JSON.
func ModelOf(class, kind string, v any) (*Model, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	return NewModel(class, kind, jsontext.Value(raw))
}

// chain collects a firing and the firings that it is made of.
type chain struct {
	ui              string
	firings, events []any
}

func (c *chain) add(f *trigger.Firing) (*Model, error) {
	m, err := ModelOf("Firing", "", f)
	if err != nil {
		return nil, err
	}
	c.firings = append(c.firings, m)
	if f.Event != nil {
		e, err := NewEvent(f.Event, c.ui)
		if err != nil {
			return nil, err
		}
		m.Set("triggering_event", e)
		c.events = append(c.events, e)
	}
	for _, of := range f.Firings {
		if _, err := c.add(of); err != nil {
			return nil, err
		}
	}
	return m, nil
}
