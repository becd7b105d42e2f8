package states

import (
	"slices"

	"github.com/usherhq/usher/internal/api"
)

// pauseFlow lets running flows pause, each pause once, and suspend if something can
// start them again.
var pauseFlow = rule{
	name: "pause flow", from: anything, to: paused,
	before: func(t *transition) {
		verb := pauseVerb(t.proposed)
		suspends := t.proposed.StateDetails.PauseReschedule
		switch {
		case t.in.Current == nil:
			t.abort("Cannot " + verb + " flows with no state.")
		case t.in.Current.Type != api.StateTypeRunning:
			t.reject("Cannot " + verb + " flows that are not currently running.")
		case slices.Contains(t.run.FlowPolicy.PauseKeys, t.pauseKey()):
			t.reject("This " + verb + " has already fired.")
		case suspends && t.in.ParentTaskRunID != nil:
			t.abort("Cannot " + verb + " subflows.")
		case suspends && t.in.DeploymentID == nil:
			t.abort("Cannot " + verb + " flows without a deployment.")
		}
	},
	after: func(t *transition) { t.addPauseKey(t.pauseKey()) },
}

// pauseKey names the pause; one without a key is its own.
func (t *transition) pauseKey() string {
	if key := t.proposed.StateDetails.PauseKey; key != nil {
		return *key
	}
	return t.in.Proposed.ID.String()
}

func pauseVerb(state *api.State) string {
	if nameOf(state) == nameSuspended {
		return "suspend"
	}
	return "pause"
}
