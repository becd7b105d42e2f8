package core

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// affectFlowRun carries out what a decision about a flow run entails besides its state.
func (w *work) affectFlowRun(run *store.FlowRunInTransition, d *states.Decision) error {
	if err := w.affectSlots("flow_run", run.ID, &d.Effects); err != nil {
		return err
	}
	if d.Effects.ReleaseDeployment {
		if err := w.ReleaseDeploymentSlots(run.ID, *run.DeploymentID, w.now); err != nil {
			return err
		}
	}
	if m := d.Effects.Mirror; m != nil {
		if err := w.mirror(m); err != nil {
			return err
		}
	}
	if d.Effects.Overtake {
		if err := w.overtake(run.Siblings.Begun); err != nil {
			return err
		}
	}
	if d.State == nil {
		return nil
	}
	w.announce(run, d)
	if d.Effects.Event && !run.Quiet {
		if err := w.emitFlowRun(run, d.Run.RunCount, d.State); err != nil {
			return err
		}
	}
	if run.ScheduleID == nil || run.DeploymentID == nil || !states.IsTerminal(d.State.Type) {
		return nil
	}
	return w.unblock(run)
}

// mirror copies a subflow's state to its task run in the parent flow, if that still is.
func (w *work) mirror(m *states.Mirror) error {
	_, _, err := w.setTaskRunState(m.TaskRunID, m.State, states.Minimal)
	if api.CodeOf(err) == api.CodeNotFound {
		return nil
	}
	return err
}

// announce tells those who wait for runs inside the server.
func (w *work) announce(run *store.FlowRunInTransition, d *states.Decision) {
	w.publish(RunStateChanged{
		Workspace: w.Workspace(), FlowRunID: run.ID, DeploymentID: run.DeploymentID, WorkQueueID: run.WorkQueueID,
		Type: d.State.Type, Name: stateName(d.State),
	})
	if d.State.Type == api.StateTypeCancelled || d.State.Type == api.StateTypeCrashed {
		w.publish(RunBrokenOff{Workspace: w.Workspace(), FlowRunID: run.ID, Type: d.State.Type})
	}
	if due := d.Run.NextScheduledStartTime; due != nil && run.WorkQueueID != nil && d.State.Type == api.StateTypeScheduled {
		w.publish(RunReady{Workspace: w.Workspace(), WorkQueueID: *run.WorkQueueID, FlowRunID: run.ID, At: *due})
	}
}

// affectTaskRun carries out what a decision about a task run entails besides its state.
func (w *work) affectTaskRun(run *store.TaskRunInTransition, d *states.Decision) error {
	if err := w.affectSlots("task_run", run.ID, &d.Effects); err != nil {
		return err
	}
	if entry := d.Effects.Cache; entry != nil {
		if err := w.CacheState(newID(), d.State.ID, entry, w.now); err != nil {
			return err
		}
	}
	if d.Effects.Enqueue != states.NotEnqueued {
		return w.queueTask(run.ID, run.TaskKey, d.Effects.Enqueue == states.EnqueueRetry)
	}
	return nil
}

// affectSlots takes, keeps and gives back slots of concurrency limits.
func (w *work) affectSlots(holder string, id uuid.UUID, e *states.Effects) error {
	if a := e.Acquire; a != nil {
		if err := w.AcquireSlots(a, holder, id, w.now); err != nil {
			return err
		}
	}
	if r := e.Renew; r != nil {
		if err := w.RenewSlots(r, w.now); err != nil {
			return err
		}
	}
	if e.Release != nil {
		if err := w.ReleaseSlots(*e.Release, w.now); err != nil {
			return err
		}
	}
	if e.ReleaseTaskRun {
		return w.ReleaseSlotsOf(holder, id, w.now)
	}
	return nil
}
