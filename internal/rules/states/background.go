package states

// copyTaskParameters keeps track of where the parameters of a background task run are.
var copyTaskParameters = rule{
	name: "copy task parameters", from: scheduled | pending, to: pending | running,
	before: func(t *transition) {
		if t.proposed.StateDetails.TaskParametersID == nil {
			t.proposed.StateDetails.TaskParametersID = t.in.Current.StateDetails.TaskParametersID
		}
	},
}

// enqueueScheduled hands scheduled background task runs to task workers.
var enqueueScheduled = rule{
	name: "enqueue scheduled", from: anything, to: scheduled,
	after: func(t *transition) {
		switch {
		case !isDeferred(t.proposed):
		case nameOf(t.proposed) == nameAwaitingRetry:
			t.effects.Enqueue = EnqueueRetry
		default:
			t.effects.Enqueue = EnqueueScheduled
		}
	},
}
