package core

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/store"
)

// Bounds of one acquisition, per pool and per queue.
const maxAcquired = 1000

// pollSpacing is how often polls of a queue or deployment are recorded at most.
const pollSpacing = 5 * time.Second

// DueRuns returns the runs of a work pool that a worker may start: those of its queues
// with the highest priority first, as far as the limits of pool and queues leave slots.
// Nothing is claimed by it; that is done by proposing Pending.
func (c *Core) DueRuns(ctx context.Context, who Caller, poolName string, in *api.GetScheduledFlowRunsRequest, limit int) ([]api.WorkerFlowRunResponse, error) {
	var polled []store.QueueSlots
	now := c.now()
	runs, err := value(ctx, c, who, func(tx *store.Tx) ([]api.WorkerFlowRunResponse, error) {
		p, err := pool(tx, poolName)
		if err != nil {
			return nil, err
		}
		all, err := tx.QueueSlotsOf(p.ID)
		if err != nil {
			return nil, err
		}
		if polled, err = queuesNamed(poolName, all, in.WorkQueueNames.Or(nil)); err != nil {
			return nil, err
		}
		a := acquisition{tx: tx, pool: p, now: now, left: min(limit, freeSlots(p.ConcurrencyLimit, slotsHeld(all)))}
		return a.take(polled, in)
	})
	if err != nil {
		return nil, err
	}
	c.Meter.Count(meter.Polls, 1)
	c.Meter.Count(meter.HandedOut, len(runs))
	return runs, c.notePolls(ctx, who, polled, now)
}

// queuesNamed picks queues by name; without names it is all of them.
func queuesNamed(poolName string, all []store.QueueSlots, names []string) ([]store.QueueSlots, error) {
	if len(names) == 0 {
		return all, nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var picked []store.QueueSlots
	for _, q := range all {
		if wanted[q.Name] {
			picked = append(picked, q)
			delete(wanted, q.Name)
		}
	}
	for _, name := range names {
		if wanted[name] {
			return nil, api.Errorf(api.CodeNotFound, "Work pool queue '%s/%s' not found.", poolName, name)
		}
	}
	return picked, nil
}

// slotsHeld is how many slots of a pool are held by runs of its queues.
func slotsHeld(queues []store.QueueSlots) int {
	n := 0
	for _, q := range queues {
		n += q.Active
	}
	return n
}

func freeSlots(limit *int, held int) int {
	if limit == nil {
		return maxAcquired
	}
	return max(0, min(maxAcquired, *limit-held))
}

// acquisition collects runs of one pool.
type acquisition struct {
	tx   *store.Tx
	pool *api.WorkPoolResponse
	now  api.Time
	left int // how many runs may still be taken
}

func (a *acquisition) take(queues []store.QueueSlots, in *api.GetScheduledFlowRunsRequest) ([]api.WorkerFlowRunResponse, error) {
	out := []api.WorkerFlowRunResponse{}
	for _, q := range queues {
		n := min(a.left, freeSlots(q.Limit, q.Active))
		if a.pool.IsPaused || q.IsPaused || n == 0 {
			continue
		}
		ask := store.DueRuns{WorkQueueID: q.ID, Before: in.ScheduledBefore.Ptr(), After: in.ScheduledAfter.Ptr(), Limit: n}
		runs, err := a.tx.QueueRuns(ask, a.now)
		if err != nil {
			return nil, err
		}
		a.left -= len(runs)
		out = slices.Grow(out, len(runs))
		for i := range runs {
			out = append(out, api.WorkerFlowRunResponse{WorkPoolID: a.pool.ID, WorkQueueID: q.ID, FlowRun: bare(&runs[i])})
		}
	}
	return out, nil
}

// bare is a run in the form that workers get, which has no state object.
func bare(r *api.FlowRunResponse) api.FlowRun {
	return api.FlowRun{
		ID: r.ID, Created: r.Created, Updated: r.Updated, Name: r.Name, FlowID: r.FlowID, StateID: r.StateID, DeploymentID: r.DeploymentID,
		DeploymentVersion: r.DeploymentVersion, DeploymentVersionID: r.DeploymentVersionID, WorkQueueName: r.WorkQueueName, FlowVersion: r.FlowVersion, Parameters: r.Parameters,
		IdempotencyKey: r.IdempotencyKey, Context: r.Context, EmpiricalPolicy: r.EmpiricalPolicy, Tags: r.Tags, Labels: r.Labels,
		ParentTaskRunID: r.ParentTaskRunID, StateType: r.StateType, StateName: r.StateName, RunCount: r.RunCount,
		ExpectedStartTime: r.ExpectedStartTime, NextScheduledStartTime: r.NextScheduledStartTime, StartTime: r.StartTime, EndTime: r.EndTime,
		TotalRunTime: r.TotalRunTime, EstimatedRunTime: r.EstimatedRunTime, EstimatedStartTimeDelta: r.EstimatedStartTimeDelta,
		AutoScheduled: r.AutoScheduled, InfrastructureDocumentID: r.InfrastructureDocumentID, InfrastructurePID: r.InfrastructurePID,
		CreatedBy: r.CreatedBy, WorkQueueID: r.WorkQueueID, JobVariables: r.JobVariables,
	}
}

// notePolls records that queues were polled, which makes them and their deployments
// READY, unless that was recorded a moment ago.
func (c *Core) notePolls(ctx context.Context, who Caller, queues []store.QueueSlots, now api.Time) error {
	var stale []uuid.UUID
	for _, q := range queues {
		if q.Status == api.WorkQueueStatusNotReady || q.LastPolled == nil || now.Sub(q.LastPolled.Time) > pollSpacing {
			stale = append(stale, q.ID)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	return c.write(ctx, who, func(w *work) error {
		ready, err := w.QueuesPolled(stale, w.now)
		if err != nil {
			return err
		}
		for _, id := range ready {
			q, p, err := queueByID(w.Tx, id)
			if err != nil {
				return err
			}
			if err := w.emitQueue("ready", q, p, nil); err != nil {
				return err
			}
		}
		return w.deploymentsPolled(stale, nil)
	})
}
