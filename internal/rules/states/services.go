package states

import (
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// The states that the server itself proposes. Each wants a fresh id.

// Late marks a run that is still Scheduled past its time; propose it with policy MarkLate.
func Late(scheduled api.Time, id uuid.UUID, now time.Time) api.State {
	state := newState(api.StateTypeScheduled, nameLate, "", id, api.At(now))
	state.StateDetails.ScheduledTime = &scheduled
	return state
}

// PauseExpired fails a paused flow run whose time is over; policy Minimal.
func PauseExpired(id uuid.UUID, now time.Time) api.State {
	return newState(api.StateTypeFailed, "", "The flow was paused and never resumed.", id, api.At(now))
}

// CancellingExpired ends a flow run that stayed CANCELLING for CancellingTimeout; policy Core.
func CancellingExpired(id uuid.UUID, now time.Time) api.State {
	return newState(api.StateTypeCancelled, "",
		"Flow run cancellation timed out; marked this flow run as Cancelled.", id, api.At(now))
}

// Overtaken asks a flow run to make room for a later one of its schedule; policy Core.
func Overtaken(id uuid.UUID, now time.Time) api.State {
	return newState(api.StateTypeCancelling, "", superseded, id, api.At(now))
}

// Unblocked lets a run that waits for another one of its schedule begin at once; policy
// Minimal.
func Unblocked(id uuid.UUID, now time.Time) api.State {
	state := newState(api.StateTypeScheduled, nameAwaitingConcurrencySlot, "The run of the schedule that it waited for has ended.", id, api.At(now))
	due := api.At(now)
	state.StateDetails.ScheduledTime = &due
	return state
}

// ParentEnded ends a task run or subflow of a flow run that was CANCELLED or has CRASHED;
// policy Minimal. What has infrastructure of its own is asked to stop it first when the
// parent was cancelled.
func ParentEnded(parent api.StateType, hasInfrastructure bool, id uuid.UUID, now time.Time) api.State {
	switch {
	case parent == api.StateTypeCrashed:
		return newState(api.StateTypeCrashed, "", "The parent flow run crashed.", id, api.At(now))
	case hasInfrastructure:
		return newState(api.StateTypeCancelling, "", parentCancelled, id, api.At(now))
	}
	return newState(api.StateTypeCancelled, "", parentCancelled, id, api.At(now))
}

const parentCancelled = "The parent flow run was cancelled."

// Resume returns the state that a request to resume a flow run proposes, with policy
// Core. A run that can't be resumed gets the answer to give instead.
func Resume(current *api.State, id uuid.UUID, now time.Time) (api.State, *api.OrchestrationResult) {
	if setOf(current) != paused {
		refusal := Decision{Status: api.SetStateStatusAbort, Reason: "Cannot resume a flow run that is not paused."}
		answer := refusal.Result(nil)
		return api.State{}, &answer
	}
	if current.StateDetails.PauseReschedule {
		return newState(api.StateTypeScheduled, nameResuming, "", id, api.At(now)), nil
	}
	return newState(api.StateTypeRunning, "", "", id, api.At(now)), nil
}
