package states

import "github.com/usherhq/usher/internal/api"

// emitEvent tells the world of every written state of a flow run.
var emitEvent = rule{
	name: "emit event", from: anything, to: anything, always: true,
	after: func(t *transition) {
		t.effects.Event = true
		if t.proposed.Type == api.StateTypeCancelling {
			t.effects.CheckCancelling = api.AtPtr(t.proposed.Timestamp.Add(CancellingTimeout))
		}
	},
}
