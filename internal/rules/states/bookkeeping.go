package states

import (
	"slices"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// The bookkeeping of every written state, of flow runs and task runs alike. It follows
// the rules, so it sees the state that is written.

// uniqueTimestamp moves a state behind stored ones of the same microsecond.
var uniqueTimestamp = rule{
	name: "unique timestamp", from: anything, to: anything, always: true,
	before: func(t *transition) {
		for t.isTaken(t.proposed.Timestamp) {
			t.proposed.Timestamp = api.At(t.proposed.Timestamp.Add(time.Microsecond))
		}
	},
}

func (t *transition) isTaken(at api.Time) bool {
	if t.in.Current != nil && t.in.Current.Timestamp.Equal(at.Time) {
		return true
	}
	return slices.ContainsFunc(t.in.Taken, func(taken api.Time) bool { return taken.Equal(at.Time) })
}

// startTime notes the first time a run ran. Retries keep it.
var startTime = rule{
	name: "start time", from: anything, to: anything, always: true,
	before: func(t *transition) {
		if t.proposed.Type == api.StateTypeRunning && t.run.StartTime == nil {
			t.run.StartTime = t.timestamp()
		}
	},
}

// endTime notes when a run ended first, and forgets it when the run starts again. What
// ends without having run starts at its end.
var endTime = rule{
	name: "end time", from: anything, to: anything, always: true,
	before: func(t *transition) {
		if !IsTerminal(t.proposed.Type) {
			if setOf(t.in.Current).has(terminal) {
				t.run.EndTime = nil
			}
			return
		}
		if t.run.EndTime != nil {
			return
		}
		if t.run.StartTime == nil {
			t.run.StartTime = t.timestamp()
		}
		t.run.EndTime = t.timestamp()
	},
}

// runTime adds up the time spent running; a clock that was set back takes nothing away.
var runTime = rule{
	name: "run time", from: running, to: anything, always: true,
	before: func(t *transition) {
		t.run.TotalRunTime += max(0, t.proposed.Timestamp.Sub(t.in.Current.Timestamp.Time))
	},
}

// expectedStartTime is set once, by the first state.
var expectedStartTime = rule{
	name: "expected start time", from: anything, to: anything, always: true,
	before: func(t *transition) {
		switch {
		case t.run.ExpectedStartTime != nil:
		case t.proposed.Type == api.StateTypeScheduled:
			t.run.ExpectedStartTime = t.proposed.StateDetails.ScheduledTime
		default:
			t.run.ExpectedStartTime = t.timestamp()
		}
	},
}

// nextScheduledStartTime holds while a run is scheduled.
var nextScheduledStartTime = rule{
	name: "next scheduled start time", from: anything, to: anything, always: true,
	before: func(t *transition) {
		if setOf(t.in.Current) == scheduled {
			t.run.NextScheduledStartTime = nil
		}
		if t.proposed.Type == api.StateTypeScheduled {
			t.run.NextScheduledStartTime = t.proposed.StateDetails.ScheduledTime
		}
	},
}

// ownState writes into a state whose it is.
var ownState = rule{
	name: "own state", from: anything, to: anything, always: true,
	before: func(t *transition) {
		id := t.in.ID
		if t.in.Kind == FlowRun {
			t.proposed.StateDetails.FlowRunID = &id
			return
		}
		t.proposed.StateDetails.FlowRunID = t.in.FlowRunID
		t.proposed.StateDetails.TaskRunID = &id
	},
}

func (t *transition) timestamp() *api.Time {
	at := t.proposed.Timestamp
	return &at
}
