package states

// preserveLease carries the lease of the deployment's slot from state to state: clients
// that don't know it would drop it.
var preserveLease = rule{
	name: "preserve lease", from: anything, to: anything, always: true,
	before: func(t *transition) {
		if t.in.Current == nil || t.proposed.StateDetails.DeploymentConcurrencyLeaseID != nil {
			return
		}
		t.proposed.StateDetails.DeploymentConcurrencyLeaseID = t.in.Current.StateDetails.DeploymentConcurrencyLeaseID
	},
}
