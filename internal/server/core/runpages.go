package core

import (
	"context"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// FlowPage lists one page of flows, counted from 1.
func (c *Core) FlowPage(ctx context.Context, who Caller, f Filters, sort api.FlowSort, limit, page int) (*api.FlowPaginationResponse, error) {
	out := &api.FlowPaginationResponse{Limit: limit, Page: page}
	return out, c.read(ctx, who, func(tx *store.Tx) (err error) {
		if out.Results, err = tx.Flows(f, sort, limit, limit*(page-1)); err != nil {
			return err
		}
		out.Count, err = tx.CountFlows(f)
		out.Pages = pages(out.Count, limit)
		return err
	})
}

// FlowRunPage lists one page of flow runs, counted from 1.
func (c *Core) FlowRunPage(ctx context.Context, who Caller, f Filters, sort api.FlowRunSort, limit, page int) (*api.FlowRunPaginationResponse, error) {
	out := &api.FlowRunPaginationResponse{Limit: limit, Page: page}
	return out, c.read(ctx, who, func(tx *store.Tx) (err error) {
		if out.Results, err = tx.FlowRuns(f, sort, limit, limit*(page-1), c.now()); err != nil {
			return err
		}
		out.Count, err = tx.CountFlowRuns(f)
		out.Pages = pages(out.Count, limit)
		return err
	})
}

// TaskRunPage lists one page of task runs, counted from 1.
func (c *Core) TaskRunPage(ctx context.Context, who Caller, f Filters, sort api.TaskRunSort, limit, page int) (*api.TaskRunPaginationResponse, error) {
	out := &api.TaskRunPaginationResponse{Limit: limit, Page: page, Results: []api.TaskRunResponse{}}
	return out, c.read(ctx, who, func(tx *store.Tx) (err error) {
		runs, err := tx.TaskRuns(f, sort, limit, limit*(page-1), c.now())
		if err != nil {
			return err
		}
		for i := range runs {
			out.Results = append(out.Results, brief(&runs[i]))
		}
		out.Count, err = tx.CountTaskRuns(f)
		out.Pages = pages(out.Count, limit)
		return err
	})
}

// brief is a task run as pages show it.
func brief(r *api.TaskRun) api.TaskRunResponse {
	return api.TaskRunResponse{
		ID: r.ID, Created: r.Created, Updated: r.Updated, Name: r.Name, FlowRunID: r.FlowRunID, TaskKey: r.TaskKey,
		StateID: r.StateID, State: r.State, TaskVersion: r.TaskVersion, TaskInputs: r.TaskInputs, EmpiricalPolicy: r.EmpiricalPolicy,
		Tags: r.Tags, StartTime: r.StartTime, EndTime: r.EndTime, TotalRunTime: r.TotalRunTime,
		EstimatedRunTime: r.EstimatedRunTime, EstimatedStartTimeDelta: r.EstimatedStartTimeDelta,
	}
}
