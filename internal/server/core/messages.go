package core

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// The messages on the bus, each published after the commit of what it tells. Each names
// the workspace that it is about: nobody may hear of another one.
type (
	// Event is an event that was stored.
	Event struct {
		Workspace uuid.UUID
		api.ReceivedEvent
	}

	// EventsStored says that there are events which nobody has looked at yet; one message
	// may stand for many.
	EventsStored struct{ Workspace uuid.UUID }

	// AutomationsChanged says that there may be other automations, or other triggers.
	AutomationsChanged struct{ Workspace uuid.UUID }

	// ActionsQueued says that actions of automations wait to be done.
	ActionsQueued struct{ Workspace uuid.UUID }

	// LogsWritten says that lines were stored.
	LogsWritten struct {
		Workspace uuid.UUID
		Logs      []api.Log
	}

	// RunReady says that a flow run waits in a work queue to be started at a time, which
	// may be over.
	RunReady struct {
		Workspace   uuid.UUID
		WorkQueueID uuid.UUID
		FlowRunID   uuid.UUID
		At          api.Time
	}

	// RunStateChanged says that a flow run has another state.
	RunStateChanged struct {
		Workspace    uuid.UUID
		FlowRunID    uuid.UUID
		DeploymentID *uuid.UUID
		WorkQueueID  *uuid.UUID
		Type         api.StateType
		Name         string
	}

	// RunBrokenOff says that a flow run was cancelled or has crashed, so that what it
	// started has to end.
	RunBrokenOff struct {
		Workspace uuid.UUID
		FlowRunID uuid.UUID
		Type      api.StateType
	}

	// TaskRunScheduled says that a background task run waits for a task worker.
	TaskRunScheduled struct {
		Workspace uuid.UUID
		TaskRunID uuid.UUID
		TaskKey   string
		Retry     bool // it ran before and is handed out before others
	}

	// LeaseGranted says that somebody holds slots of concurrency limits until a time.
	LeaseGranted struct {
		Workspace uuid.UUID
		Expires   api.Time
	}

	// CleanupAsked says that workers of a pool are asked to tear something down.
	CleanupAsked struct {
		Workspace  uuid.UUID
		WorkPoolID uuid.UUID
	}

	// DeploymentChanged says that a deployment may need other scheduled runs than it has.
	DeploymentChanged struct {
		Workspace    uuid.UUID
		DeploymentID uuid.UUID
	}

	// WorkPoolChanged says that a work pool or its queues have changed.
	WorkPoolChanged struct {
		Workspace  uuid.UUID
		WorkPoolID uuid.UUID
		Snapshot   bool // what its workers are told of it has changed
		Deleted    bool // it is gone
	}
)

// FreesSlot says whether the run may have held a slot of its pool that it does not hold
// any more.
func (m RunStateChanged) FreesSlot() bool {
	switch m.Type {
	case api.StateTypeScheduled, api.StateTypePending, api.StateTypeRunning:
		return false // it takes a slot, or never had one
	}
	return true
}
