package states

// mirrorSubflow ties the states of a subflow to the task run that stands for it in the
// parent flow.
var mirrorSubflow = rule{
	name: "mirror subflow", from: anything, to: anything, always: true,
	before: func(t *transition) {
		if t.in.ParentTaskRunID != nil {
			t.proposed.StateDetails.TaskRunID = t.in.ParentTaskRunID
		}
	},
	after: func(t *transition) {
		if t.in.ParentTaskRunID == nil {
			return
		}
		state, id := *t.proposed, t.in.ID
		state.ID, state.Timestamp = t.in.Draw.Mirror, t.now
		state.StateDetails.ChildFlowRunID = &id
		t.effects.Mirror = &Mirror{TaskRunID: *t.in.ParentTaskRunID, State: state}
	},
}
