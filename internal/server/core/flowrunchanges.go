package core

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// UpdateFlowRun changes what the request has of a flow run.
func (c *Core) UpdateFlowRun(ctx context.Context, who Caller, id uuid.UUID, in *api.FlowRunUpdate) error {
	return missing("Flow run", c.write(ctx, who, func(w *work) error {
		if in.JobVariables.IsSet() && !in.JobVariables.IsNull() {
			if err := w.checkJobVariablesOf(id, in.JobVariables.Or(nil)); err != nil {
				return err
			}
		}
		ch, err := w.flowRunChanges(in)
		if err != nil {
			return err
		}
		return w.Tx.UpdateFlowRun(id, ch.sets...)
	}))
}

// checkJobVariablesOf compares new job variables of a flow run with what its deployment's
// work pool allows. They can change only before the run starts.
func (w *work) checkJobVariablesOf(id uuid.UUID, variables jsontext.Value) error {
	run, err := w.LockFlowRun(id)
	switch {
	case err != nil:
		return err
	case run.Current == nil:
		return api.Errorf(api.CodeMalformed, "Flow run state is required to update job variables but none exists")
	case run.Current.Type != api.StateTypeScheduled:
		return api.Errorf(api.CodeMalformed, "Job variables for a flow run in state %s cannot be updated", run.Current.Type)
	case run.Origin.Deployment == nil:
		return api.Errorf(api.CodeMalformed, "A deployment for the flow run could not be found")
	}
	d, err := w.Tx.Deployment(*run.DeploymentID)
	if err != nil || d.WorkPoolName == nil {
		return err
	}
	p, err := w.Tx.WorkPool(*d.WorkPoolName)
	if err != nil {
		return err
	}
	err = w.checkJobVariables(p.BaseJobTemplate, true, d.JobVariables, variables)
	return reworded(err, api.CodeInvalid, "Error updating flow run: ")
}

func (w *work) flowRunChanges(in *api.FlowRunUpdate) (*changes, error) {
	ch := &changes{}
	ch.set("updated", w.now)
	if in.Name.IsSet() {
		ch.set("name", runName(in.Name))
	}
	patch(ch, "flow_version", in.FlowVersion)
	patch(ch, "infrastructure_pid", in.InfrastructurePID)
	patch(ch, "job_variables", in.JobVariables)
	if in.Parameters.IsSet() {
		ch.set("parameters", api.Object(in.Parameters.Or(nil)))
	}
	if in.Tags.IsSet() {
		ch.set("tags", in.Tags.Or([]string{}))
	}
	if policy, isSet := in.EmpiricalPolicy.Get(); isSet {
		text, err := json.Marshal(&policy)
		if err != nil {
			return nil, err
		}
		ch.set("empirical_policy", jsontext.Value(text))
	}
	return ch, nil
}

// LabelFlowRun adds labels to those of a flow run; new values win.
func (c *Core) LabelFlowRun(ctx context.Context, who Caller, id uuid.UUID, labels map[string]jsontext.Value) error {
	added, err := json.Marshal(labels)
	if err != nil {
		return err
	}
	err = c.write(ctx, who, func(w *work) error {
		current, err := w.FlowRunLabels(id)
		if err != nil {
			return err
		}
		if bad := badLabels(labels, "body"); len(bad) > 0 {
			return api.Invalid(nil, bad...)
		}
		merged, err := mergeObjects(current, added)
		if err != nil {
			return err
		}
		return w.Tx.UpdateFlowRun(id, store.Set{Column: "labels", Value: merged}, store.Set{Column: "updated", Value: w.now})
	})
	if errors.Is(err, store.ErrNoRows) {
		return notThere("Flow run", id)
	}
	return err
}

// DeleteFlowRun removes a flow run with its task runs, states, inputs and logs, and gives
// back the slots that it holds.
func (c *Core) DeleteFlowRun(ctx context.Context, who Caller, id uuid.UUID) error {
	if err := c.deleteFlowRunLogs(ctx, who, id); err != nil {
		return err
	}
	return missing("Flow run", c.write(ctx, who, func(w *work) error { return w.deleteFlowRun(id) }))
}

func (c *Core) deleteFlowRunLogs(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.inParts(ctx, who, func(w *work) (int64, error) { return w.DeleteFlowRunLogs(id, deletedAtOnce) })
}

// DeleteFlowRuns removes up to limit flow runs.
func (c *Core) DeleteFlowRuns(ctx context.Context, who Caller, f Filters, limit int) ([]uuid.UUID, error) {
	ids, err := value(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) { return tx.FlowRunIDs(f, limit) })
	if err != nil {
		return nil, err
	}
	return deleteEach(ids, func(id uuid.UUID) error { return c.DeleteFlowRun(ctx, who, id) })
}

// deleteEach deletes objects one by one and returns the ids of those that were there.
func deleteEach(ids []uuid.UUID, del func(uuid.UUID) error) ([]uuid.UUID, error) {
	deleted := make([]uuid.UUID, 0, len(ids))
	for _, id := range ids {
		switch err := del(id); {
		case err == nil:
			deleted = append(deleted, id)
		case api.CodeOf(err) != api.CodeNotFound:
			return nil, err
		}
	}
	return deleted, nil
}

func (w *work) deleteFlowRun(id uuid.UUID) error {
	run, err := w.LockFlowRun(id)
	if err != nil {
		return err
	}
	if err := w.releaseOnDeletion(run); err != nil {
		return err
	}
	return w.Tx.DeleteFlowRun(id)
}

// deletedAtOnce is how much one transaction deletes of what can be a lot, so that others
// get their turn.
const deletedAtOnce = 1000

// inParts deletes in many transactions until there is nothing left.
func (c *Core) inParts(ctx context.Context, who Caller, some func(*work) (int64, error)) error {
	for {
		var n int64
		err := c.write(ctx, who, func(w *work) (err error) {
			n, err = some(w)
			return err
		})
		if err != nil || n < deletedAtOnce {
			return err
		}
	}
}

// releaseOnDeletion gives back the slot of its deployment that a run holds. A state keeps
// naming the lease on it after the run has ended.
func (w *work) releaseOnDeletion(run *store.FlowRunInTransition) error {
	if run.DeploymentID != nil {
		if err := w.ReleaseDeploymentSlots(run.ID, *run.DeploymentID, w.now); err != nil {
			return err
		}
	}
	if run.Current == nil || run.Current.StateDetails.DeploymentConcurrencyLeaseID == nil {
		return nil
	}
	return w.ReleaseSlots(*run.Current.StateDetails.DeploymentConcurrencyLeaseID, w.now)
}

// SetFlowRunStates proposes a state for up to limit flow runs, each on its own.
func (c *Core) SetFlowRunStates(ctx context.Context, who Caller, in *api.BulkSetFlowRunStateRequest, limit int) ([]api.FlowRunOrchestrationResult, error) {
	ids, err := value(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) {
		return tx.FlowRunIDs(Filters{FlowRuns: in.FlowRuns}, limit)
	})
	one := &api.SetFlowRunStateRequest{State: in.State, Force: in.Force, EmitEvent: in.EmitEvent}
	results := make([]api.FlowRunOrchestrationResult, 0, len(ids))
	for _, id := range ids {
		results = append(results, c.setOneOfMany(ctx, who, id, one))
	}
	return results, err
}

// setOneOfMany turns a failure into an answer, so that the other runs get their turn.
func (c *Core) setOneOfMany(ctx context.Context, who Caller, id uuid.UUID, in *api.SetFlowRunStateRequest) api.FlowRunOrchestrationResult {
	result, _, err := c.SetFlowRunState(ctx, who, id, in)
	if err != nil {
		aborted := states.Decision{Status: api.SetStateStatusAbort, Reason: err.Error()}
		answer := aborted.Result(nil)
		result = &answer
	}
	return api.FlowRunOrchestrationResult{FlowRunID: id, Status: result.Status, State: result.State, Details: result.Details}
}

// missing words a missing row as the absence of what was asked for.
func missing(what string, err error) error {
	if errors.Is(err, store.ErrNoRows) {
		return api.NotFound(what)
	}
	return err
}
