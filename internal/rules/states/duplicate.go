package states

// preventDuplicates answers a repeated request with the state that the first one made.
var preventDuplicates = rule{
	name: "prevent duplicates", from: anything &^ noState, to: anything,
	before: func(t *transition) {
		was, is := t.in.Current.StateDetails.TransitionID, t.proposed.StateDetails.TransitionID
		if was != nil && is != nil && *was == *is {
			t.reject("This run has already made this state transition.")
		}
	},
}
