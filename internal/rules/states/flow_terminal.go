package states

import "github.com/usherhq/usher/internal/api"

const (
	retryInProcess  = "in_process"
	retryReschedule = "reschedule"
)

// leaveTerminalFlow guards what has ended: no late pausing or crashing, no lost result,
// no rescheduling without a deployment. A run that starts again forgets its pauses.
var leaveTerminalFlow = rule{
	name: "leave terminal flow", from: terminal, to: anything,
	before: func(t *transition) {
		to := setOf(t.proposed)
		held := setOf(t.in.Current) == completed && heldResult(t.in.Current.Data)
		switch {
		case to.has(cancelling | paused | crashed):
			t.abort("Run is already in terminal state " + string(t.in.Current.Type) + ".")
		case held && !to.has(terminal):
			t.reject("Run is already COMPLETED.")
		case losesResult(t):
			t.reject(resultLoss)
		case to == scheduled && t.in.DeploymentID == nil:
			t.abort("Cannot reschedule a run without an associated deployment.")
		case !to.has(terminal):
			t.forgetPauses()
			if to == scheduled {
				t.setRetryType(retryReschedule)
			} else {
				t.setRetryType("")
			}
		}
	},
	cleanup: func(t *transition) { t.run.FlowPolicy = t.in.Run.FlowPolicy },
}

// preventDataLoss keeps even forced states from dropping a stored result.
var preventDataLoss = rule{
	name: "prevent data loss", from: terminal, to: terminal,
	before: func(t *transition) {
		if losesResult(t) {
			t.reject(resultLoss)
		}
	},
}

const resultLoss = "Cannot overwrite a COMPLETED state that carries persisted result data with one that does not."

func losesResult(t *transition) bool {
	return t.in.Current.Type == api.StateTypeCompleted && t.proposed.Type == api.StateTypeCompleted &&
		heldResult(t.in.Current.Data) && !HasResult(t.proposed.Data)
}
