package states

import "github.com/usherhq/usher/internal/api"

// leaveTerminalTask guards task runs that have ended. One that starts again has all its
// retries before it.
var leaveTerminalTask = rule{
	name: "leave terminal task", from: terminal, to: anything,
	reads: NeedFlowRun,
	before: func(t *transition) {
		to, current := setOf(t.proposed), t.in.Current
		switch {
		case to.has(cancelling | paused | crashed):
			t.abort("Run is already " + string(current.Type) + ".")
			return
		case current.Type == api.StateTypeCompleted && heldResult(current.Data):
			t.reject("This run is already completed.")
			return
		case !to.has(terminal):
			t.run.RunCount = 0
		}
		if to == running && t.in.FlowRun != nil && t.run.FlowRunRunCount < t.in.FlowRun.RunCount {
			t.rename(nameRetrying)
		}
	},
	cleanup: func(t *transition) { t.run.RunCount = t.in.Run.RunCount },
}
