package states

import "github.com/usherhq/usher/internal/api"

// cancellingToCancelled lets a run that is being cancelled end only as cancelled.
var cancellingToCancelled = rule{
	name: "cancelling to cancelled", from: cancelling, to: anything &^ cancelled,
	before: func(t *transition) {
		t.reject("Cannot transition flows that are cancelling to a state other than Cancelled.")
	},
}

// cancelWithoutInfrastructure cancels at once what has no process to stop. Runs that
// wait for a retry may have one: they keep their infrastructure_pid.
var cancelWithoutInfrastructure = rule{
	name: "cancel without infrastructure", from: scheduled | paused, to: cancelling,
	before: func(t *transition) {
		current := t.in.Current
		idle := current.Type == api.StateTypeScheduled && !t.hasInfrastructure()
		switch {
		case idle || nameOf(current) == nameResuming:
			t.rejectWith(t.replacement(api.StateTypeCancelled, "", ""),
				"Scheduled flow run has no infrastructure to terminate.")
		case current.Type == api.StateTypePaused && current.StateDetails.PauseReschedule:
			t.rejectWith(t.replacement(api.StateTypeCancelled, "", ""),
				"Suspended flow run has no infrastructure to terminate.")
		}
	},
}

func (t *transition) hasInfrastructure() bool {
	return t.in.InfrastructurePID != nil && *t.in.InfrastructurePID != ""
}
