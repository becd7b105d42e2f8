package states

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Propose completes a state of a request: the server gives it id and time, and the
// fields left out their defaults.
func Propose(create api.StateCreate, id uuid.UUID, now time.Time) api.State {
	state := api.State{
		ID:           id,
		Type:         create.Type,
		Name:         create.Name.Ptr(),
		Timestamp:    api.At(now),
		Message:      create.Message.Ptr(),
		Data:         create.Data.Or(nil),
		StateDetails: create.StateDetails.Or(api.StateDetails{Deferred: new(bool)}),
	}
	complete(&state)
	return state
}

func complete(state *api.State) {
	if state.Name == nil {
		name := defaultName(state.Type)
		state.Name = &name
	}
	if state.Type == api.StateTypeScheduled && state.StateDetails.ScheduledTime == nil {
		at := state.Timestamp
		state.StateDetails.ScheduledTime = &at
	}
}

// defaultName is the type in title case.
func defaultName(t api.StateType) string {
	if t == "" {
		return ""
	}
	return string(t[:1]) + strings.ToLower(string(t[1:]))
}

// replacement returns a state to write in place of the proposal. It takes over the id
// of the proposal, which is fresh and will not be written.
func (t *transition) replacement(typ api.StateType, name, message string) api.State {
	return newState(typ, name, message, t.in.Proposed.ID, t.now)
}

func newState(typ api.StateType, name, message string, id uuid.UUID, now api.Time) api.State {
	state := api.State{ID: id, Type: typ, Timestamp: now, StateDetails: api.StateDetails{Deferred: new(bool)}}
	if name != "" {
		state.Name = &name
	}
	if message != "" {
		state.Message = &message
	}
	complete(&state)
	return state
}

func nameOf(state *api.State) string {
	if state == nil || state.Name == nil {
		return ""
	}
	return *state.Name
}

func isDeferred(state *api.State) bool {
	return state.StateDetails.Deferred != nil && *state.StateDetails.Deferred
}
