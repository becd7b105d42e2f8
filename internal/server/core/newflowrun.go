package core

import (
	"errors"
	"math/rand/v2"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/names"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// newFlowRun is a flow run as somebody wants it. Of the run: FlowID is required; id,
// times, counts, state and system labels are filled in when it is made.
type newFlowRun struct {
	run        *api.FlowRunResponse
	state      api.StateCreate
	scheduleID *uuid.UUID
	block      *uuid.UUID // that the request names as its infrastructure
}

// wantedFlowRun reads what a request wants.
func wantedFlowRun(in *api.FlowRunCreate) *newFlowRun {
	return &newFlowRun{
		run: &api.FlowRunResponse{
			Name: in.Name.Or(""), FlowID: in.FlowID, DeploymentID: in.DeploymentID.Ptr(), FlowVersion: in.FlowVersion.Ptr(),
			Parameters: in.Parameters.Or(nil), Context: in.Context.Or(nil), JobVariables: wantedVariables(in),
			EmpiricalPolicy: in.EmpiricalPolicy.Or(api.NewFlowRunPolicy()), Tags: in.Tags.Or([]string{}), Labels: in.Labels.Or(nil),
			IdempotencyKey: in.IdempotencyKey.Ptr(), ParentTaskRunID: in.ParentTaskRunID.Ptr(), WorkQueueName: in.WorkQueueName.Ptr(),
			InfrastructureDocumentID: in.InfrastructureDocumentID.Ptr(),
		},
		state: in.State.Or(api.StateCreate{Type: api.StateTypePending}),
		block: in.InfrastructureDocumentID.Ptr(),
	}
}

// wantedVariables are the job variables of a run: what was asked for, else none, which is
// null for a run with an idempotency key.
func wantedVariables(in *api.FlowRunCreate) jsontext.Value {
	variables := in.JobVariables.Or(nil)
	if variables == nil && in.IdempotencyKey.Or("") != "" {
		return jsontext.Value("null")
	}
	return api.Object(variables)
}

// createFlowRun makes a flow run in its first state, with all that a change of state
// entails. When the flow has a run of its idempotency key, that comes back instead.
func (w *work) createFlowRun(n *newFlowRun) (run *api.FlowRunResponse, isNew bool, err error) {
	run = n.run
	if run.ParentTaskRunID != nil {
		if err := w.bound(TaskRunKind, *run.ParentTaskRunID); err != nil {
			return nil, false, err
		}
	}
	origin, err := w.OriginOf(run.FlowID, run.DeploymentID, run.WorkQueueID, run.ParentTaskRunID)
	if errors.Is(err, store.ErrNoRows) || err == nil && run.ParentTaskRunID != nil && origin.ParentTaskRun == nil {
		return nil, false, refused(store.ErrForeignKey)
	}
	if err != nil {
		return nil, false, err
	}
	if origin.Disabled {
		return nil, false, api.Errorf(api.CodeConflict, "Deployment %s is disabled: no flow runs of it can be created until it is enabled.", run.DeploymentID)
	}
	if err := w.complete(run, origin); err != nil {
		return nil, false, err
	}
	in := w.entering(n, origin)
	decision, err := w.decide(&in.Input)
	if err != nil {
		return nil, false, err
	}
	isNew, err = w.InsertFlowRun(&store.NewFlowRun{FlowRunResponse: run, ScheduleID: n.scheduleID, First: decision})
	if err != nil {
		return nil, false, err
	}
	if !isNew {
		run, err = w.FlowRunByKey(run.FlowID, *run.IdempotencyKey, w.now)
		if err == nil {
			err = w.bound(FlowRunKind, run.ID)
		}
		return run, false, err
	}
	if err := w.blockThere(n.block); err != nil {
		return nil, false, err
	}
	if err := w.reach(run.ID); err != nil {
		return nil, false, err
	}
	if err := w.affectFlowRun(in, decision); err != nil {
		return nil, false, err
	}
	enter(run, decision, w.now)
	return run, true, nil
}

// complete fills in what the server gives to every run.
func (w *work) complete(run *api.FlowRunResponse, origin *store.Origin) (err error) {
	run.ID, run.Created, run.Updated = newID(), &w.now, &w.now
	if run.Name == "" {
		run.Name = names.Pick(rand.Uint64()) //nolint:gosec // a name guards nothing
	}
	if run.CreatedBy == nil {
		run.CreatedBy = w.who.By
	}
	run.Parameters, run.Context = api.Object(run.Parameters), api.Object(run.Context)
	if origin.WorkQueue != nil {
		run.WorkQueueName = &origin.WorkQueue.Name
	}
	if pool := origin.WorkPool; pool != nil {
		run.WorkPoolID, run.WorkPoolName = &pool.ID, &pool.Name
	}
	run.Labels, err = systemLabels(run, origin)
	return err
}

// systemLabels puts the labels of a run's origin, and what names it, below its own.
func systemLabels(run *api.FlowRunResponse, origin *store.Origin) (jsontext.Value, error) {
	flow := `"prefect.flow.id":"` + run.FlowID.String() + `"`
	if origin.Deployment == nil {
		return mergeObjects(origin.FlowLabels, jsontext.Value("{"+flow+"}"), run.Labels)
	}
	deployment := `"prefect.deployment.id":"` + run.DeploymentID.String() + `"`
	// The flow is that of the deployment, whose labels name it, whatever the run says.
	return mergeObjects(jsontext.Value("{"+flow+"}"), origin.DeploymentLabels, jsontext.Value("{"+deployment+"}"), run.Labels)
}

// entering is the transition of a new run into its first state.
func (w *work) entering(n *newFlowRun, origin *store.Origin) *store.FlowRunInTransition {
	run := n.run
	return &store.FlowRunInTransition{
		Input: states.Input{
			Kind: states.FlowRun, Policy: states.Minimal, ID: run.ID, Proposed: states.Propose(n.state, newID(), w.now.Time),
			Run: states.Run{FlowPolicy: run.EmpiricalPolicy}, DeploymentID: run.DeploymentID, ParentTaskRunID: run.ParentTaskRunID,
			InfrastructurePID: run.InfrastructurePID, ClientVersion: w.who.ClientVersion,
		},
		Name: run.Name, RunTags: run.Tags, CreatedBy: run.CreatedBy, WorkQueueID: run.WorkQueueID, Origin: *origin,
	}
}

// enter gives the run the columns and the state that were decided.
func enter(run *api.FlowRunResponse, d *states.Decision, now api.Time) {
	moved := d.Run
	run.EmpiricalPolicy, run.RunCount = moved.FlowPolicy, moved.RunCount
	run.ExpectedStartTime, run.NextScheduledStartTime = moved.ExpectedStartTime, moved.NextScheduledStartTime
	run.StartTime, run.EndTime, run.TotalRunTime = moved.StartTime, moved.EndTime, api.Seconds(moved.TotalRunTime)
	run.State, run.StateID, run.StateType, run.StateName = d.State, &d.State.ID, &d.State.Type, d.State.Name
	run.EstimatedRunTime = api.Seconds(states.EstimatedRunTime(&moved, d.State, now.Time))
	run.EstimatedStartTimeDelta = api.Seconds(states.Lateness(&moved, d.State, now.Time))
}
