package core

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// SimpleFlowRuns lists flow runs as the dashboard's chart shows them.
func (c *Core) SimpleFlowRuns(ctx context.Context, who Caller, f Filters, sort api.FlowRunSort, limit, offset int) ([]api.SimpleFlowRun, error) {
	runs, err := c.FlowRuns(ctx, who, f, sort, limit, offset)
	out := make([]api.SimpleFlowRun, 0, len(runs))
	for i := range runs {
		r := &runs[i]
		at := shownAt(r)
		if at == nil || r.StateType == nil {
			continue
		}
		out = append(out, api.SimpleFlowRun{ID: r.ID, StateType: *r.StateType, Timestamp: *at, Duration: r.EstimatedRunTime, Lateness: r.EstimatedStartTimeDelta})
	}
	return out, err
}

// CountTaskRunsByFlowRun counts the task runs of each flow run, without those that stand
// for a subflow.
func (c *Core) CountTaskRunsByFlowRun(ctx context.Context, who Caller, ids []uuid.UUID) (map[uuid.UUID]int, error) {
	return c.countEach(ctx, who, ids, (*store.Tx).TaskRunsByFlowRun)
}

// CountDeploymentsByFlow counts the deployments of each flow.
func (c *Core) CountDeploymentsByFlow(ctx context.Context, who Caller, ids []uuid.UUID) (map[uuid.UUID]int, error) {
	return c.countEach(ctx, who, ids, (*store.Tx).DeploymentsByFlow)
}

func (c *Core) countEach(ctx context.Context, who Caller, ids []uuid.UUID, count func(*store.Tx, []uuid.UUID) (map[uuid.UUID]int, error)) (map[uuid.UUID]int, error) {
	counts, err := value(ctx, c, who, func(tx *store.Tx) (map[uuid.UUID]int, error) { return count(tx, ids) })
	for _, id := range ids {
		if counts != nil {
			counts[id] += 0
		}
	}
	return counts, err
}

// NextRuns returns the scheduled run of each flow that is to start first, nil for none.
func (c *Core) NextRuns(ctx context.Context, who Caller, flows []uuid.UUID) (map[uuid.UUID]*api.SimpleNextFlowRun, error) {
	next := map[uuid.UUID]*api.SimpleNextFlowRun{}
	return next, c.read(ctx, who, func(tx *store.Tx) error {
		for _, flow := range flows {
			run, err := maybe(tx.NextRun(flow))
			if err != nil {
				return err
			}
			next[flow] = run
		}
		return nil
	})
}

// CountTaskRunsByState counts task runs by the type of their state.
func (c *Core) CountTaskRunsByState(ctx context.Context, who Caller, f Filters) (out api.CountByState, err error) {
	n, err := value(ctx, c, who, func(tx *store.Tx) (map[api.StateType]int, error) { return tx.CountTaskRunsByState(f) })
	return api.CountByState{
		COMPLETED: n[api.StateTypeCompleted], PENDING: n[api.StateTypePending], RUNNING: n[api.StateTypeRunning],
		FAILED: n[api.StateTypeFailed], CANCELLED: n[api.StateTypeCancelled], CRASHED: n[api.StateTypeCrashed],
		PAUSED: n[api.StateTypePaused], CANCELLING: n[api.StateTypeCancelling], SCHEDULED: n[api.StateTypeScheduled],
	}, err
}

// outcomeBuckets is into how many parts the dashboard divides its time.
const outcomeBuckets = 20

// TaskRunOutcomes counts the task runs that ended well and badly, by when they started.
func (c *Core) TaskRunOutcomes(ctx context.Context, who Caller, f Filters) ([]api.TaskRunCount, error) {
	asked := f.TaskRuns.StartTime
	if asked == nil || asked.After == nil {
		return nil, api.Errorf(api.CodeInvalid, "task_runs.start_time.after_ is required")
	}
	end := c.now()
	if asked.Before != nil {
		end = *asked.Before
	}
	start := api.At(asked.After.Truncate(time.Minute))
	window := end.Truncate(time.Minute).Add(time.Minute - time.Microsecond).Sub(start.Time)
	if window < 0 {
		window = 0
	}
	ended := *f.TaskRuns
	ended.State = &api.TaskRunFilterState{Type: &api.Match[api.StateType]{
		Any: []api.StateType{api.StateTypeCompleted, api.StateTypeFailed, api.StateTypeCrashed, api.StateTypeCancelled},
	}}
	f.TaskRuns = &ended
	steps := store.Steps{Start: start, Step: max(1, window.Microseconds()/outcomeBuckets+1), Count: outcomeBuckets}
	out := make([]api.TaskRunCount, outcomeBuckets)
	return out, c.read(ctx, who, func(tx *store.Tx) error {
		completed, failed, err := tx.TaskRunOutcomes(f, steps)
		for i := range out {
			out[i] = api.TaskRunCount{"completed": completed[i], "failed": failed[i]}
		}
		return err
	})
}

// TaskRunWithFlowRun returns a task run with the name of its flow run.
func (c *Core) TaskRunWithFlowRun(ctx context.Context, who Caller, id uuid.UUID) (out *api.UITaskRun, err error) {
	err = c.read(ctx, who, func(tx *store.Tx) error {
		r, err := tx.TaskRun(id, c.now())
		if err != nil {
			return err
		}
		out = uiTaskRun(r)
		if r.FlowRunID == nil {
			return nil
		}
		name, err := tx.FlowRunName(*r.FlowRunID)
		if errors.Is(err, store.ErrNoRows) {
			return nil
		}
		out.FlowRunName = &name
		return err
	})
	return out, missing("Task", err)
}

func uiTaskRun(r *api.TaskRun) *api.UITaskRun {
	return &api.UITaskRun{
		ID: r.ID, Created: r.Created, Updated: r.Updated, Name: r.Name, FlowRunID: r.FlowRunID, TaskKey: r.TaskKey, DynamicKey: r.DynamicKey,
		CacheKey: r.CacheKey, CacheExpiration: r.CacheExpiration, TaskVersion: r.TaskVersion, EmpiricalPolicy: r.EmpiricalPolicy,
		Tags: r.Tags, Labels: r.Labels, StateID: r.StateID, TaskInputs: r.TaskInputs, StateType: r.StateType, StateName: r.StateName,
		RunCount: r.RunCount, FlowRunRunCount: r.FlowRunRunCount, ExpectedStartTime: r.ExpectedStartTime,
		NextScheduledStartTime: r.NextScheduledStartTime, StartTime: r.StartTime, EndTime: r.EndTime, TotalRunTime: r.TotalRunTime,
		EstimatedRunTime: r.EstimatedRunTime, EstimatedStartTimeDelta: r.EstimatedStartTimeDelta, State: r.State,
	}
}
