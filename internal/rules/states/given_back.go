package states

// startOnce keeps a run that was given back from being executed twice: who had claimed it
// first may have been cut off only, and start it when another worker has already.
var startOnce = rule{
	name: "start once", from: running | completed | failed, to: running,
	reads: NeedGivenBack,
	before: func(t *transition) {
		if t.in.GivenBack {
			t.abort("This run was given back to its queue, as nothing was heard of who had claimed it, and another process has started it since.")
		}
	},
}
