package states

// nameReruns gives another run of a task run a telling name.
var nameReruns = rule{
	name: "name reruns", from: anything &^ noState, to: running,
	before: func(t *transition) {
		switch {
		case t.run.RunCount == 0:
		case nameOf(t.in.Current) == nameAwaitingRetry:
			t.rename(nameRetrying)
		default:
			t.rename(nameRerunning)
		}
	},
}

// trackFlowRunCount notes in which run of its flow a task run ran.
var trackFlowRunCount = rule{
	name: "track flow run count", from: anything, to: running,
	reads: NeedFlowRun,
	after: func(t *transition) {
		if t.in.FlowRun != nil {
			t.run.FlowRunRunCount = t.in.FlowRun.RunCount
		}
	},
}
