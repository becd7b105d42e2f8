package states

// countFlowRun counts the runs of a flow; going on after a pause is none.
var countFlowRun = rule{
	name: "count flow run", from: anything, to: anything, always: true,
	before: func(t *transition) {
		if setOf(t.proposed) == running && !isResuming(&t.run.FlowPolicy) {
			t.run.RunCount++
		}
	},
}

// endResuming takes the mark of a resumed flow away once it runs or has ended.
var endResuming = rule{
	name: "end resuming", from: anything, to: anything, always: true,
	before: func(t *transition) {
		if setOf(t.proposed).has(running|terminal) && isResuming(&t.run.FlowPolicy) {
			t.setResuming(false)
		}
	},
}

// countTaskRun counts the runs of a task run.
var countTaskRun = rule{
	name: "count task run", from: anything, to: anything, always: true,
	before: func(t *transition) {
		if setOf(t.proposed) == running {
			t.run.RunCount++
		}
	},
}
