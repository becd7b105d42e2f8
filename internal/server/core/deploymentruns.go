package core

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/parameters"
	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/store"
)

// RunDeployment makes a flow run of a deployment, scheduled for now unless the request
// says otherwise. One with an idempotency key that the flow has a run of is not made again.
func (c *Core) RunDeployment(ctx context.Context, who Caller, id uuid.UUID, in *api.DeploymentFlowRunCreate) (run *api.FlowRunResponse, isNew bool, err error) {
	err = c.write(ctx, who, func(w *work) error {
		d, err := w.knownDeployment(id, "Deployment not found")
		if err != nil {
			return err
		}
		run, isNew, err = w.runDeployment(d, in)
		return err
	})
	return run, isNew, err
}

func (w *work) runDeployment(d *api.DeploymentResponse, in *api.DeploymentFlowRunCreate) (*api.FlowRunResponse, bool, error) {
	d, err := w.versionToRun(d, in.DeploymentVersionID)
	if err != nil {
		return nil, false, err
	}
	values, err := w.runParameters(d, in)
	if err != nil {
		return nil, false, err
	}
	if err := w.checkRunVariables(d, in); err != nil {
		return nil, false, err
	}
	n := runOfDeployment(d, in, values)
	if name := in.WorkQueueName.Or(""); name != "" {
		q, err := w.queueForRun(d, name)
		if err != nil {
			return nil, false, err
		}
		n.run.WorkQueueID, n.run.WorkQueueName = &q.ID, &q.Name
	}
	return w.createFlowRun(n)
}

// runOfDeployment is the run that a request wants of a deployment.
func runOfDeployment(d *api.DeploymentResponse, in *api.DeploymentFlowRunCreate, values jsontext.Value) *newFlowRun {
	block := in.InfrastructureDocumentID.Ptr()
	if block == nil {
		block = d.InfrastructureDocumentID
	}
	return &newFlowRun{
		run: &api.FlowRunResponse{
			Name: in.Name.Or(""), FlowID: d.FlowID, DeploymentID: &d.ID, DeploymentVersion: d.Version, Parameters: values,
			Context: in.Context.Or(nil), JobVariables: api.Object(in.JobVariables.Or(nil)), EmpiricalPolicy: in.EmpiricalPolicy.Or(api.NewFlowRunPolicy()),
			Tags: union(d.Tags, in.Tags.Or(nil)), Labels: in.Labels.Or(nil), IdempotencyKey: in.IdempotencyKey.Ptr(),
			ParentTaskRunID: in.ParentTaskRunID.Ptr(), WorkQueueID: d.WorkQueueID, WorkQueueName: d.WorkQueueName,
			InfrastructureDocumentID: block, DeploymentVersionID: d.VersionID, DeploymentVersionInfo: d.VersionInfo,
		},
		state: in.State.Or(api.StateCreate{Type: api.StateTypeScheduled}),
		block: in.InfrastructureDocumentID.Ptr(),
	}
}

// union puts lists of tags together without repeating any.
func union(a, b []string) []string {
	out := []string{}
	for _, tag := range slices.Concat(a, b) {
		if !slices.Contains(out, tag) {
			out = append(out, tag)
		}
	}
	return out
}

// runParameters are the parameters of a run: the deployment's with the request's on top,
// checked against the schema if that is asked for.
func (w *work) runParameters(d *api.DeploymentResponse, in *api.DeploymentFlowRunCreate) (jsontext.Value, error) {
	merged, err := mergeObjects(d.Parameters, in.Parameters.Or(nil))
	if err != nil {
		return nil, err
	}
	values, err := w.hydrate(merged)
	if err != nil {
		return nil, unhydrated(err, "Error hydrating flow run parameters: ")
	}
	if !in.EnforceParameterSchema.Or(d.EnforceParameterSchema) {
		return values, nil
	}
	err = checkRunParameters(values, d.ParameterOpenapiSchema, parameters.Rule{})
	return values, reworded(err, api.CodeConflict, "Error creating flow run: ")
}

func (w *work) checkRunVariables(d *api.DeploymentResponse, in *api.DeploymentFlowRunCreate) error {
	if d.WorkPoolName == nil {
		return nil
	}
	p, err := w.WorkPool(*d.WorkPoolName)
	if err != nil {
		return err
	}
	err = w.checkJobVariables(p.BaseJobTemplate, true, d.JobVariables, in.JobVariables.Or(nil))
	return reworded(err, api.CodeInvalid, "Error creating flow run: ")
}

// queueForRun is the queue of the deployment's pool that a run asks for.
func (w *work) queueForRun(d *api.DeploymentResponse, name string) (*api.WorkQueueResponse, error) {
	if d.WorkPoolName == nil {
		return nil, api.Errorf(api.CodeMalformed, "Cannot create flow run in work queue %s because deployment %s is not associated with a work pool. Please remove work_pool_name and try again.", name, d.ID)
	}
	p, err := w.WorkPool(*d.WorkPoolName)
	if err != nil {
		return nil, err
	}
	return w.queueOrNew(p, name)
}

// maxBulkRuns is how many runs one request may make.
const maxBulkRuns = 100

// RunDeploymentInBulk makes runs of a deployment; each fails or succeeds for itself.
func (c *Core) RunDeploymentInBulk(ctx context.Context, who Caller, id uuid.UUID, in []api.DeploymentFlowRunCreate) (*api.FlowRunBulkCreateResponse, error) {
	if len(in) > maxBulkRuns {
		return nil, api.Errorf(api.CodeMalformed, "Cannot create more than %d flow runs at once.", maxBulkRuns)
	}
	var out *api.FlowRunBulkCreateResponse
	err := c.write(ctx, who, func(w *work) error {
		out = &api.FlowRunBulkCreateResponse{Results: []api.FlowRunCreateResult{}}
		d, err := w.knownDeployment(id, "Deployment not found")
		if err != nil {
			return err
		}
		for i := range in {
			out.Results = append(out.Results, w.runInBulk(d, &in[i]))
		}
		return nil
	})
	return out, err
}

// runInBulk makes one of many runs. What a failed one told the bus is taken back with it.
func (w *work) runInBulk(d *api.DeploymentResponse, in *api.DeploymentFlowRunCreate) api.FlowRunCreateResult {
	var run *api.FlowRunResponse
	told := len(w.messages)
	err := w.Try(func() (err error) {
		run, _, err = w.runDeployment(d, in)
		return err
	})
	if err != nil {
		w.messages = w.messages[:told]
		text := bulkError(err)
		return api.FlowRunCreateResult{Status: "FAILED", Error: &text}
	}
	return api.FlowRunCreateResult{FlowRunID: &run.ID, Status: "CREATED"}
}

// bulkError words why one of many runs was not made.
func bulkError(err error) string {
	var mismatch *parameters.MismatchError
	var problem *parameters.HydrationError
	switch {
	case errors.As(err, &problem):
		return problem.Error()
	case errors.As(err, &mismatch) && api.CodeOf(err) == api.CodeConflict:
		return "Parameter validation failed: " + mismatch.Error()
	}
	return err.Error()
}

// ScheduledRuns returns the runs of deployments that wait to be started before a time,
// the earliest first, and notes that somebody asked.
func (c *Core) ScheduledRuns(ctx context.Context, who Caller, in *api.GetScheduledFlowRunsForDeploymentsRequest, limit int) ([]api.FlowRunResponse, error) {
	now := c.now()
	runs, err := value(ctx, c, who, func(tx *store.Tx) ([]api.FlowRunResponse, error) {
		return tx.DeploymentRuns(in.DeploymentIDs, in.ScheduledBefore.Ptr(), limit, now)
	})
	if err != nil || len(in.DeploymentIDs) == 0 {
		return runs, err
	}
	c.Meter.Count(meter.Polls, 1)
	c.Meter.Count(meter.HandedOut, len(runs))
	stale, err := value(ctx, c, who, func(tx *store.Tx) (bool, error) {
		return tx.IsPollDue(in.DeploymentIDs, api.At(now.Add(-pollSpacing)))
	})
	if err != nil || !stale {
		return runs, err
	}
	return runs, c.write(ctx, who, func(w *work) error { return w.deploymentsPolled(nil, in.DeploymentIDs) })
}
