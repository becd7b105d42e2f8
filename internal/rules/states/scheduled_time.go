package states

import (
	"time"

	"github.com/usherhq/usher/internal/api"
)

// copyScheduledTime keeps the scheduled time known while a run is pending.
var copyScheduledTime = rule{
	name: "copy scheduled time", from: scheduled, to: pending,
	before: func(t *transition) {
		if t.proposed.StateDetails.ScheduledTime == nil {
			t.proposed.StateDetails.ScheduledTime = t.in.Current.StateDetails.ScheduledTime
		}
	},
}

// waitForScheduledTime sends a client that is early away, by the server's clock.
var waitForScheduledTime = rule{
	name: "wait for scheduled time", from: scheduled | pending, to: running,
	before: func(t *transition) {
		due := t.in.Current.StateDetails.ScheduledTime
		if due == nil {
			return
		}
		if delay := nearestSecond(due.Sub(t.now.Time)); delay > 0 {
			t.wait(delay, "Scheduled time is in the future")
		}
	},
}

// nearestSecond rounds a half down: the client is let through rather than sent away.
func nearestSecond(d time.Duration) int {
	return int((d + time.Second/2 - time.Microsecond).Truncate(time.Second) / time.Second)
}

// scheduledAfter returns a SCHEDULED state that is due after delay.
func (t *transition) scheduledAfter(name string, delay time.Duration) api.State {
	state := t.replacement(api.StateTypeScheduled, name, "")
	due := api.At(t.now.Add(delay))
	state.StateDetails.ScheduledTime = &due
	return state
}

// retryAfter returns the state of a run that failed as proposed and runs again after delay.
func (t *transition) retryAfter(delay time.Duration) api.State {
	state := t.scheduledAfter(nameAwaitingRetry, delay)
	state.Message, state.Data = t.proposed.Message, t.proposed.Data
	return state
}
