package states

// rulesOf returns the rules that in has to pass, in their order, and the bookkeeping that
// follows them.
func rulesOf(in *Input) (policy, bookkeeping []*rule) {
	if in.Kind == FlowRun {
		return policyOf(in), flowBookkeeping[:]
	}
	return policyOf(in), taskBookkeeping[:]
}

func policyOf(in *Input) []*rule {
	switch {
	case in.Kind == FlowRun && in.Policy == Core:
		return flowCore[:]
	case in.Kind == FlowRun && in.Policy == MarkLate:
		return flowLate[:]
	case in.Kind == FlowRun:
		return flowMinimal[:]
	case isDeferred(&in.Proposed):
		return taskBackground[:]
	case in.Policy == Core:
		return taskCore[:]
	}
	return taskMinimal[:]
}

// flowCore: what a client proposes for a flow run.
var flowCore = [...]*rule{
	&preserveLease,
	&preventDuplicates,
	&startOnce,
	&leaveTerminalFlow,
	&cancellingToCancelled,
	&cancelWithoutInfrastructure,
	&preventPending,
	&keepToSchedulePolicy,
	&validateLease,
	&secureDeploymentSlot,
	&pinLeaseOfOldClient,
	&onlyScheduledBecomeLate,
	&pauseFlow,
	&resumeFlow,
	&copyScheduledTime,
	&waitForScheduledTime,
	&retryFailedFlow,
	&emitEvent,
	&releaseDeploymentSlot,
}

// flowMinimal: forced states, first states, and what services write.
var flowMinimal = [...]*rule{
	&preventDataLoss,
	&cancelWithoutInfrastructure,
	&emitEvent,
	&releaseDeploymentSlot,
}

// flowLate: marking scheduled runs late.
var flowLate = [...]*rule{
	&onlyScheduledBecomeLate,
	&skipLateOverlap,
	&cancelLateWhenFull,
	&emitEvent,
}

// taskCore: what a client proposes for a task run by request. (The SDK's engine decides
// by itself and reports events: see Record.)
var taskCore = [...]*rule{
	&useCache,
	&leaveTerminalTask,
	&onlyInRunningFlow,
	&secureTagSlots,
	&copyScheduledTime,
	&waitForScheduledTime,
	&retryFailedTask,
	&nameReruns,
	&trackFlowRunCount,
	&fillCache,
	&releaseTagSlots,
}

// taskBackground: deferred task runs, which task workers pick up.
var taskBackground = [...]*rule{
	&preventPending,
	&useCache,
	&leaveTerminalTask,
	&copyScheduledTime,
	&copyTaskParameters,
	&waitForScheduledTime,
	&retryFailedTask,
	&nameReruns,
	&trackFlowRunCount,
	&fillCache,
	&releaseTagSlots,
	&enqueueScheduled,
}

// taskMinimal: forced states, first states, and mirrored subflows.
var taskMinimal = [...]*rule{
	&releaseTagSlots,
}

// flowBookkeeping: what is noted of every state that is written for a flow run.
var flowBookkeeping = [...]*rule{
	&uniqueTimestamp,
	&startTime,
	&endTime,
	&runTime,
	&expectedStartTime,
	&nextScheduledStartTime,
	&ownState,
	&mirrorSubflow,
	&countFlowRun,
	&endResuming,
}

// taskBookkeeping: the same for a task run.
var taskBookkeeping = [...]*rule{
	&startTime,
	&endTime,
	&runTime,
	&expectedStartTime,
	&nextScheduledStartTime,
	&ownState,
	&countTaskRun,
}
