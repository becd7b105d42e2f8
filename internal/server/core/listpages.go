package core

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// LimitsPage lists one page of concurrency limits by name, counted from 1, as the other
// pages are.
func (c *Core) LimitsPage(ctx context.Context, who Caller, limit, page int) (*api.ConcurrencyLimitV2PaginationResponse, error) {
	out := &api.ConcurrencyLimitV2PaginationResponse{Limit: limit, Page: page}
	return out, c.read(ctx, who, func(tx *store.Tx) error {
		list, err := tx.ConcurrencyLimits("", limit, limit*(page-1))
		if err != nil {
			return err
		}
		out.Results = globalLimits(list, c.now())
		out.Count, err = tx.CountConcurrencyLimits()
		out.Pages = pages(out.Count, limit)
		return err
	})
}

// WorkPoolsPage lists one page of work pools, with their templates only if asked for.
func (c *Core) WorkPoolsPage(ctx context.Context, who Caller, f *api.WorkPoolFilter, sort api.WorkPoolSort, templates bool, limit, page int) (*api.WorkPoolPaginationResponse, error) {
	out := &api.WorkPoolPaginationResponse{Limit: limit, Page: page}
	return out, c.read(ctx, who, func(tx *store.Tx) (err error) {
		if out.Results, err = tx.WorkPools(f, sort, limit, limit*(page-1)); err != nil {
			return err
		}
		for i := range out.Results {
			if !templates {
				out.Results[i].BaseJobTemplate = jsontext.Value("{}")
			}
		}
		out.Count, err = tx.CountWorkPools(f)
		out.Pages = pages(out.Count, limit)
		return err
	})
}

// PoolQueuesPage lists one page of the queues of a work pool by priority.
func (c *Core) PoolQueuesPage(ctx context.Context, who Caller, poolName string, f *api.WorkQueueFilter, limit, page int) (*api.WorkQueuePaginatedResponse, error) {
	return c.queuesPage(ctx, who, f, limit, page, func(tx *store.Tx) (*uuid.UUID, error) {
		p, err := pool(tx, poolName)
		if err != nil {
			return nil, err
		}
		return &p.ID, nil
	})
}

// WorkQueuesPage lists one page of all work queues by name.
func (c *Core) WorkQueuesPage(ctx context.Context, who Caller, f *api.WorkQueueFilter, limit, page int) (*api.WorkQueuePaginatedResponse, error) {
	return c.queuesPage(ctx, who, f, limit, page, func(*store.Tx) (*uuid.UUID, error) { return nil, nil })
}

func (c *Core) queuesPage(ctx context.Context, who Caller, f *api.WorkQueueFilter, limit, page int, of func(*store.Tx) (*uuid.UUID, error)) (*api.WorkQueuePaginatedResponse, error) {
	out := &api.WorkQueuePaginatedResponse{Limit: limit, Page: page}
	return out, c.read(ctx, who, func(tx *store.Tx) error {
		p, err := of(tx)
		if err != nil {
			return err
		}
		if out.Results, err = tx.WorkQueues(p, f, limit, limit*(page-1)); err != nil {
			return err
		}
		out.Count, err = tx.CountWorkQueues(p, f)
		out.Pages = pages(out.Count, limit)
		return err
	})
}

// WorkersPage lists one page of the workers of a pool.
func (c *Core) WorkersPage(ctx context.Context, who Caller, poolName string, f *api.WorkerFilter, sort api.WorkerSort, limit, page int) (*api.WorkerPaginatedResponse, error) {
	out := &api.WorkerPaginatedResponse{Limit: limit, Page: page, Results: []api.Worker{}}
	return out, c.read(ctx, who, func(tx *store.Tx) error {
		p, err := pool(tx, poolName)
		if err != nil {
			return err
		}
		list, err := tx.Workers(p.ID, f, sort, limit, limit*(page-1), c.now())
		if err != nil {
			return err
		}
		for i := range list {
			out.Results = append(out.Results, hostedWorker(&list[i]))
		}
		out.Count, err = tx.CountWorkers(p.ID, f)
		out.Pages = pages(out.Count, limit)
		return err
	})
}

// Worker returns a worker of a pool by its id.
func (c *Core) Worker(ctx context.Context, who Caller, poolName string, id uuid.UUID) (*api.Worker, error) {
	return found("Worker", func() (*api.Worker, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.Worker, error) {
			p, err := pool(tx, poolName)
			if err != nil {
				return nil, err
			}
			w, err := tx.Worker(p.ID, id, c.now())
			if err != nil {
				return nil, err
			}
			out := hostedWorker(w)
			return &out, nil
		})
	})
}

func hostedWorker(w *api.WorkerResponse) api.Worker {
	return api.Worker{
		ID: w.ID, Created: w.Created, Updated: w.Updated, Name: w.Name, WorkPoolID: w.WorkPoolID, LastHeartbeatTime: w.LastHeartbeatTime,
		Status: w.Status, HeartbeatIntervalSeconds: w.HeartbeatIntervalSeconds,
	}
}

// MinimalFlowRuns lists flow runs without the details of their states.
func (c *Core) MinimalFlowRuns(ctx context.Context, who Caller, f Filters, sort api.FlowRunSort, limit, offset int) ([]api.MinimalFlowRun, error) {
	runs, err := c.FlowRuns(ctx, who, f, sort, limit, offset)
	out := make([]api.MinimalFlowRun, len(runs))
	for i := range runs {
		r := &runs[i]
		out[i] = api.MinimalFlowRun{
			ID: r.ID, Created: r.Created, Updated: r.Updated, Name: r.Name, FlowID: r.FlowID, FlowVersion: r.FlowVersion, StateID: r.StateID,
			DeploymentID: r.DeploymentID, DeploymentVersionID: r.DeploymentVersionID, DeploymentVersionInfo: r.DeploymentVersionInfo,
			DeploymentVersion: r.DeploymentVersion, WorkQueueName: r.WorkQueueName, Parameters: r.Parameters, IdempotencyKey: r.IdempotencyKey,
			Context: r.Context, EmpiricalPolicy: r.EmpiricalPolicy, Tags: r.Tags, Labels: r.Labels, ParentTaskRunID: r.ParentTaskRunID,
			StateType: r.StateType, StateName: r.StateName, RunCount: r.RunCount, ExpectedStartTime: r.ExpectedStartTime,
			NextScheduledStartTime: r.NextScheduledStartTime, StartTime: r.StartTime, EndTime: r.EndTime, TotalRunTime: r.TotalRunTime,
			EstimatedStartTimeDelta: r.EstimatedStartTimeDelta, AutoScheduled: r.AutoScheduled,
			InfrastructureDocumentID: r.InfrastructureDocumentID, InfrastructurePID: r.InfrastructurePID,
		}
		if r.State != nil {
			out[i].StateTimestamp = &r.State.Timestamp
		}
	}
	return out, err
}

// FlowRunHistoryPage lists one page of flow runs as a chart over time shows them.
func (c *Core) FlowRunHistoryPage(ctx context.Context, who Caller, f Filters, sort api.FlowRunSort, limit, page int) (*api.FlowRunHistoryResponse, error) {
	out := &api.FlowRunHistoryResponse{Limit: limit, Page: page, Results: []api.FlowRunHistoryItem{}}
	return out, c.read(ctx, who, func(tx *store.Tx) error {
		runs, err := tx.FlowRuns(f, sort, limit, limit*(page-1), c.now())
		if err != nil {
			return err
		}
		for i := range runs {
			r := &runs[i]
			if at := shownAt(r); at != nil && r.StateType != nil {
				out.Results = append(out.Results, api.FlowRunHistoryItem{
					ID: r.ID, State: *r.StateType, Timestamp: int(at.Unix()), Duration: r.EstimatedRunTime, Deployment: r.DeploymentID,
				})
			}
		}
		out.Count, err = tx.CountFlowRuns(f)
		out.Pages = pages(out.Count, limit)
		return err
	})
}

// shownAt is where a run stands in time: when it began, else when it is to begin.
func shownAt(r *api.FlowRunResponse) *api.Time {
	if r.StartTime != nil {
		return r.StartTime
	}
	return r.ExpectedStartTime
}

// CountFlowRunsByPool counts the flow runs of work pools.
func (c *Core) CountFlowRunsByPool(ctx context.Context, who Caller, pools []uuid.UUID, f *api.FlowRunFilter) (map[uuid.UUID]int, error) {
	return c.countEach(ctx, who, pools, func(tx *store.Tx, ids []uuid.UUID) (map[uuid.UUID]int, error) { return tx.FlowRunsByPool(ids, f) })
}
