package states

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const deploymentFull = "Deployment concurrency limit reached."

// secureDeploymentSlot takes a slot of the deployment's limit before a worker provides
// infrastructure. A run that finds no slot waits or is cancelled, as the deployment says.
var secureDeploymentSlot = rule{
	name: "secure deployment slot", from: anything &^ (pending | running | cancelling), to: pending,
	reads: NeedDeployment,
	before: func(t *transition) {
		if t.in.DeploymentID == nil || managesSlotItself(t.in.ClientVersion) {
			return
		}
		if t.in.Deployment == nil {
			t.abort("Deployment not found.")
			return
		}
		limit := t.in.Deployment.limited()
		switch {
		case limit == nil:
		case limit.Limit == 0:
			t.abort("The deployment concurrency limit is 0. The flow will deadlock if submitted again.")
		case !limit.isFull():
			t.takeDeploymentSlot(limit)
		case t.in.Deployment.cancelsNew():
			t.rejectWith(t.replacement(api.StateTypeCancelled, "", deploymentFull), deploymentFull)
		default:
			t.rejectWith(t.scheduledAfter(nameAwaitingConcurrencySlot, t.settings.SlotWait), deploymentFull)
		}
	},
	cleanup: func(t *transition) { t.effects.Acquire = nil },
}

// validateLease makes sure that a run about to start still has its slot: the lease may
// have expired while infrastructure was provided.
var validateLease = rule{
	name: "validate lease", from: pending, to: running,
	reads: NeedLeaseHeld,
	before: func(t *transition) {
		lease := t.in.Current.StateDetails.DeploymentConcurrencyLeaseID
		t.proposed.StateDetails.DeploymentConcurrencyLeaseID = lease
		limit := t.in.Deployment.limited()
		if lease == nil || limit == nil || !renewsLeases(t.in.ClientVersion) {
			return
		}
		switch {
		case t.in.LeaseHeld:
			t.effects.Renew = &Renew{LeaseID: *lease, TTL: t.in.Deployment.lease(&t.settings)}
		case !limit.isFull():
			t.takeDeploymentSlot(limit)
		default:
			t.rejectWith(t.replacement(api.StateTypeCancelled, "",
				"Deployment concurrency slot lost during provisioning - no slots available to continue execution"),
				"Deployment concurrency limit reached after lease expiry.")
		}
	},
	cleanup: func(t *transition) { t.effects.Acquire, t.effects.Renew = nil, nil },
}

// pinLeaseOfOldClient keeps the slot of a client that can't renew its lease: the lease
// stops expiring and ends with the run.
var pinLeaseOfOldClient = rule{
	name: "pin lease of old client", from: pending, to: running | cancelling,
	after: func(t *transition) {
		lease := t.in.Current.StateDetails.DeploymentConcurrencyLeaseID
		if lease != nil && !renewsLeases(t.in.ClientVersion) {
			t.effects.Renew = &Renew{LeaseID: *lease}
		}
	},
}

// releaseDeploymentSlot gives the slot back when a run stops occupying its deployment.
// The lease is the only proof of a slot: one that is gone releases nothing.
var releaseDeploymentSlot = rule{
	name: "release deployment slot", from: pending | running | cancelling, to: anything, always: true,
	after: func(t *transition) {
		if t.in.DeploymentID == nil || setOf(t.proposed).has(pending|running|cancelling) {
			return
		}
		t.effects.Release = t.in.Current.StateDetails.DeploymentConcurrencyLeaseID
		t.effects.ReleaseDeployment = t.effects.Release == nil
	},
}

func (t *transition) takeDeploymentSlot(limit *Limit) {
	lease := t.in.Draw.Lease
	t.effects.Acquire = &Acquire{
		LeaseID: lease, LimitIDs: []uuid.UUID{limit.ID}, TTL: t.in.Deployment.lease(&t.settings),
	}
	t.proposed.StateDetails.DeploymentConcurrencyLeaseID = &lease
}
