package states

import "github.com/usherhq/usher/internal/api"

// onlyScheduledBecomeLate marks scheduled runs late, and only once.
var onlyScheduledBecomeLate = rule{
	name: "only scheduled become late", from: anything &^ noState, to: scheduled,
	before: func(t *transition) {
		if nameOf(t.proposed) != nameLate {
			return
		}
		switch {
		case t.in.Current.Type != api.StateTypeScheduled:
			t.reject("Only scheduled flows can be marked late.")
		case nameOf(t.in.Current) == nameLate:
			t.reject("This flow run is already marked late.")
		}
	},
}

// cancelLateWhenFull cancels late runs of a full deployment that does not queue runs,
// for they never get to Pending, where they would be cancelled.
var cancelLateWhenFull = rule{
	name: "cancel late when full", from: scheduled, to: scheduled,
	reads: NeedDeployment,
	before: func(t *transition) {
		limit := t.in.Deployment.limited()
		if nameOf(t.proposed) != nameLate || limit == nil || !limit.isFull() || !t.in.Deployment.cancelsNew() {
			return
		}
		t.rejectWith(t.replacement(api.StateTypeCancelled, "", deploymentFull),
			"Deployment concurrency limit is full and uses the CANCEL_NEW strategy.")
	},
}
