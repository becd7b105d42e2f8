package states

import "github.com/usherhq/usher/internal/api"

// onlyInRunningFlow keeps task runs from starting when their flow does not run.
var onlyInRunningFlow = rule{
	name: "only in running flow", from: anything, to: running,
	reads: NeedFlowRun,
	before: func(t *transition) {
		if t.in.FlowRun == nil {
			return
		}
		flow := t.in.FlowRun.State
		switch setOf(flow) {
		case running:
		case paused:
			state := t.replacement(api.StateTypePaused, nameNotReady, "")
			state.StateDetails.PauseTimeout = flow.StateDetails.PauseTimeout
			state.StateDetails.PauseReschedule = flow.StateDetails.PauseReschedule
			t.rejectWith(state, "The flow is paused, new tasks can execute after resuming flow run: "+
				t.in.FlowRunID.String()+".")
		default:
			t.abort("The enclosing flow must be running to begin task execution.")
		}
	},
}
