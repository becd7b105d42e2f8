package states

import "github.com/usherhq/usher/internal/api"

// preventPending is how workers claim a run: of two that propose Pending, one is
// accepted. The one that has it may go on through named PENDING states.
var preventPending = rule{
	name: "prevent pending", from: pending | cancelling | running | cancelled, to: pending,
	before: func(t *transition) {
		current := t.in.Current
		name := nameOf(t.proposed)
		if current.Type != api.StateTypePending || name == nameOf(current) || name == namePending {
			t.abort("This run is in a " + string(current.Type) + " state and cannot transition to a PENDING state.")
			return
		}
		t.proposed.StateDetails.ScheduledTime = current.StateDetails.ScheduledTime
		t.proposed.StateDetails.DeploymentConcurrencyLeaseID = current.StateDetails.DeploymentConcurrencyLeaseID
	},
}
