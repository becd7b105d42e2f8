package states

import (
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// resumeFlow governs what a paused flow may become, and fails it when its time is over.
// The mark it leaves, resuming, keeps the next RUNNING from counting as another run; it
// is left after that count is made, as clients have come to rely on.
var resumeFlow = rule{
	name: "resume flow", from: paused, to: anything,
	before: func(t *transition) {
		details := &t.in.Current.StateDetails
		name := strings.ToLower(nameOf(t.proposed))
		switch {
		case !setOf(t.proposed).has(running | scheduled | terminal):
			t.reject("This run cannot transition to the StateType." + string(t.proposed.Type) +
				" state from the StateType." + string(t.in.Current.Type) + " state.")
		case details.PauseReschedule && t.in.DeploymentID == nil:
			t.reject("Cannot reschedule a " + name + " flow run without a deployment.")
		case details.PauseTimeout != nil && details.PauseTimeout.Before(t.now.Time):
			t.rejectWith(t.replacement(api.StateTypeFailed, "", "The flow was "+name+" and never resumed."),
				"The flow run "+pauseVerb(t.proposed)+" has timed out and can no longer resume.")
		}
	},
	after: func(t *transition) { t.setResuming(true) },
}
