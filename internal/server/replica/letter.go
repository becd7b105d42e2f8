package replica

import (
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/server/core"
)

// letter is one text between servers. Without content it says that its sender lives.
type letter struct {
	From     uuid.UUID `json:"from"`
	Bye      bool      `json:"bye,omitzero"`    // the sender stops
	Doubt    bool      `json:"doubt,omitzero"`  // more happened than is told
	Events   bool      `json:"events,omitzero"` // there are new events
	Logs     bool      `json:"logs,omitzero"`   // there are new log lines
	Messages []parcel  `json:"messages,omitempty"`
}

// parcel is a message of the bus with the name of its type.
type parcel struct {
	Kind string         `json:"kind"`
	Body jsontext.Value `json:"body"`
}

// kinds are the messages that travel. A server passes over what it does not know: it may
// come from a newer one.
var kinds = map[string]func(jsontext.Value) (any, error){
	kindOf[core.RunReady]():           unpack[core.RunReady],
	kindOf[core.RunStateChanged]():    unpack[core.RunStateChanged],
	kindOf[core.RunBrokenOff]():       unpack[core.RunBrokenOff],
	kindOf[core.TaskRunScheduled]():   unpack[core.TaskRunScheduled],
	kindOf[core.CleanupAsked]():       unpack[core.CleanupAsked],
	kindOf[core.DeploymentChanged]():  unpack[core.DeploymentChanged],
	kindOf[core.EventsStored]():       unpack[core.EventsStored],
	kindOf[core.AutomationsChanged](): unpack[core.AutomationsChanged],
	kindOf[core.ActionsQueued]():      unpack[core.ActionsQueued],
	kindOf[core.WorkPoolChanged]():    unpack[core.WorkPoolChanged],
}

func kindOf[T any]() string { return reflect.TypeFor[T]().Name() }

func unpack[T any](body jsontext.Value) (any, error) {
	var m T
	err := json.Unmarshal(body, &m)
	return m, err
}

func pack(m any) (parcel, error) {
	body, err := json.Marshal(m)
	return parcel{reflect.TypeOf(m).Name(), body}, err
}
