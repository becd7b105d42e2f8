package core

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// Dependencies lists the task runs of a flow run with the task runs that each depended
// on: the first version of the graph.
func (c *Core) Dependencies(ctx context.Context, who Caller, id uuid.UUID) ([]api.DependencyResult, error) {
	var runs []api.TaskRun
	err := c.read(ctx, who, func(tx *store.Tx) (err error) {
		if _, err := tx.FlowRunName(id); err != nil {
			return err
		}
		of := Filters{TaskRuns: &api.TaskRunFilter{FlowRunID: &api.TaskRunFilterFlowRunId{Any: []uuid.UUID{id}}}}
		runs, err = tx.TaskRuns(of, api.TaskRunSortIDDesc, -1, 0, c.now())
		return err
	})
	if errors.Is(err, store.ErrNoRows) {
		return nil, notThere("Flow run", id)
	}
	out := make([]api.DependencyResult, 0, len(runs))
	for i := range runs {
		result, err := dependenciesOf(&runs[i])
		if err != nil {
			return nil, err
		}
		out = append(out, result)
	}
	return out, err
}

func dependenciesOf(r *api.TaskRun) (api.DependencyResult, error) {
	result := api.DependencyResult{
		ID: r.ID, Name: r.Name, UpstreamDependencies: []api.TaskRunResult{}, State: r.State, ExpectedStartTime: r.ExpectedStartTime,
		StartTime: r.StartTime, EndTime: r.EndTime, TotalRunTime: &r.TotalRunTime, EstimatedRunTime: &r.EstimatedRunTime,
		UntrackableResult: r.State != nil && r.State.StateDetails.UntrackableResult,
	}
	inputs, err := upstreamOf(r.TaskInputs)
	for _, in := range inputs {
		one := api.TaskRunResult{InputType: in.kind, ID: in.id}
		if in.kind == "task_run" && !slices.Contains(result.UpstreamDependencies, one) {
			result.UpstreamDependencies = append(result.UpstreamDependencies, one)
		}
	}
	return result, err
}
