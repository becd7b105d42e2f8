package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/find"
)

// checkPools looks for pools, queues and workers on which runs wait.
func (d *doctor) checkPools(ctx context.Context) {
	pools, err := find.Pages(0, func(offset, limit int) ([]api.WorkPoolResponse, error) {
		return d.client.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	})
	if err != nil {
		d.fail("pools", err)
		return
	}
	before := len(d.findings)
	for i := range pools {
		if err := d.checkPool(ctx, &pools[i]); err != nil {
			d.fail("pools", err)
			return
		}
	}
	if err := d.checkQueues(ctx); err != nil {
		d.fail("queues", err)
		return
	}
	if len(d.findings) == before {
		d.tell(good, "pools", fine(len(pools)), "")
	}
}

func fine(pools int) string {
	switch pools {
	case 0:
		return "there are no work pools"
	case 1:
		return "the work pool is in no trouble"
	}
	return fmt.Sprintf("%d work pools, none of them in trouble", pools)
}

func (d *doctor) checkPool(ctx context.Context, pool *api.WorkPoolResponse) error {
	manned := !pool.IsPaused && pool.Status != nil && *pool.Status == api.WorkPoolStatusReady
	since := d.env.Now()
	if manned {
		since = since.Add(-slowness)
	}
	late, err := d.waiting(ctx, pool.Name, since)
	if err != nil {
		return err
	}
	switch {
	case pool.IsPaused:
		d.tell(warning, "pools", fmt.Sprintf("work pool %q is paused; %s", pool.Name, runs(late)), "usher work-pool resume "+pool.Name)
	case pool.Status != nil && *pool.Status == api.WorkPoolStatusNotReady:
		return d.checkWorkers(ctx, pool, late)
	case late > 0:
		d.tell(warning, "pools", fmt.Sprintf("work pool %q has workers, yet %s", pool.Name, runs(late)), "look for limits that are used up: `usher work-pool ls`, `usher work-queue ls`, `usher gcl ls`")
	}
	return nil
}

// checkWorkers says why nobody works on a pool.
func (d *doctor) checkWorkers(ctx context.Context, pool *api.WorkPoolResponse, late int) error {
	workers, err := d.client.ReadWorkers(ctx, pool.Name, &api.ReadWorkersRequest{Limit: api.Some(find.PageSize)})
	if err != nil {
		return err
	}
	status, what := warning, fmt.Sprintf("work pool %q has no worker", pool.Name)
	if len(workers) > 0 {
		names := make([]string, len(workers))
		for i, w := range workers {
			names[i] = w.Name
		}
		what = fmt.Sprintf("the workers of work pool %q are offline (%s)", pool.Name, strings.Join(names, ", "))
	}
	if late > 0 {
		status = bad
	}
	d.tell(status, "workers", what+"; "+runs(late), "usher worker start --pool "+pool.Name)
	return nil
}

// checkQueues looks for queues that nobody asks for runs, in pools that have workers.
func (d *doctor) checkQueues(ctx context.Context) error {
	queues, err := find.Pages(0, func(offset, limit int) ([]api.WorkQueueResponse, error) {
		return d.client.ReadWorkQueues(ctx, &api.ReadWorkQueuesRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	})
	if err != nil {
		return err
	}
	for i := range queues {
		q := &queues[i]
		if q.WorkPoolName == nil {
			continue
		}
		where := fmt.Sprintf("%s --pool %s", q.Name, *q.WorkPoolName)
		if q.IsPaused {
			d.tell(warning, "queues", fmt.Sprintf("work queue %q of pool %q is paused", q.Name, *q.WorkPoolName), "usher work-queue resume "+where)
			continue
		}
		if q.ConcurrencyLimit != nil && *q.ConcurrencyLimit == 0 {
			d.tell(warning, "queues", fmt.Sprintf("work queue %q of pool %q may run nothing: its limit is 0", q.Name, *q.WorkPoolName), "usher work-queue clear-concurrency-limit "+where)
		}
	}
	return nil
}

// slowness is how long a run may wait where workers are: they ask every ten seconds or so.
const slowness = 30 * time.Second

// waiting counts the runs of a pool that should have begun by a time.
func (d *doctor) waiting(ctx context.Context, pool string, by time.Time) (int, error) {
	return d.client.CountFlowRuns(ctx, &api.CountFlowRunsRequest{
		FlowRuns: &api.FlowRunFilter{
			State:             &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeScheduled}}},
			ExpectedStartTime: &api.Span{Before: api.AtPtr(by)},
		},
		WorkPools: &api.WorkPoolFilter{Name: &api.Match[string]{Any: []string{pool}}},
	})
}

func runs(n int) string {
	switch n {
	case 0:
		return "no run waits"
	case 1:
		return "1 run waits"
	}
	return fmt.Sprintf("%d runs wait", n)
}

// checkPaused counts the deployments that make no runs by themselves.
func (d *doctor) checkPaused(ctx context.Context) {
	yes := true
	n, err := d.client.CountDeployments(ctx, &api.CountDeploymentsRequest{Deployments: &api.DeploymentFilter{Paused: &api.DeploymentFilterPaused{Eq: &yes}}})
	if err != nil {
		d.fail("deployments", err)
		return
	}
	what := "1 deployment is paused: its schedules make no runs"
	if n > 1 {
		what = fmt.Sprintf("%d deployments are paused: their schedules make no runs", n)
	}
	if n > 0 {
		d.tell(warning, "deployments", what, "`usher deployment ls` lists them, `usher deployment resume <name>` resumes one")
	}
}
