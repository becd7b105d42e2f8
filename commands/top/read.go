package top

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// most is how many runs and lines one picture holds.
const most = find.PageSize

// worker is a worker with its pool.
type worker struct {
	api.WorkerResponse

	pool string
}

// snapshot is what was there at one time.
type snapshot struct {
	at      time.Time
	runs    []api.FlowRunResponse
	flows   map[uuid.UUID]string
	pools   []api.WorkPoolResponse
	workers []worker
	queues  []api.WorkQueueResponse
	running int // of all runs, more than the picture may hold
	late    int
}

// reader makes snapshots.
type reader struct {
	client *client.Client
	now    func() time.Time
	flows  map[uuid.UUID]string // those whose names are known
}

func (r *reader) read(ctx context.Context) (*snapshot, error) {
	s := &snapshot{at: r.now()}
	var err error
	if s.runs, err = r.runs(ctx); err != nil {
		return nil, err
	}
	if s.flows, err = r.names(ctx, s.runs); err != nil {
		return nil, err
	}
	if s.running, err = r.count(ctx, &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeRunning}}}); err != nil {
		return nil, err
	}
	if s.late, err = r.count(ctx, &api.FlowRunFilterState{Name: &api.Match[string]{Any: []string{"Late"}}}); err != nil {
		return nil, err
	}
	if s.pools, err = r.client.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{Limit: api.Some(most)}); err != nil {
		return nil, err
	}
	for i := range s.pools {
		workers, err := r.client.ReadWorkers(ctx, s.pools[i].Name, &api.ReadWorkersRequest{Limit: api.Some(most)})
		if err != nil {
			return nil, err
		}
		for _, w := range workers {
			s.workers = append(s.workers, worker{w, s.pools[i].Name})
		}
	}
	s.queues, err = r.client.ReadWorkQueues(ctx, &api.ReadWorkQueuesRequest{Limit: api.Some(most)})
	return s, err
}

func (r *reader) count(ctx context.Context, state *api.FlowRunFilterState) (int, error) {
	return r.client.CountFlowRuns(ctx, &api.CountFlowRunsRequest{FlowRuns: &api.FlowRunFilter{State: state}})
}

// runs are those that go on, however old, then those that are late or have ended, the newest first.
func (r *reader) runs(ctx context.Context) ([]api.FlowRunResponse, error) {
	soon := r.now().Add(time.Minute)
	request := &api.ReadFlowRunsRequest{
		Sort: api.Some(api.FlowRunSortExpectedStartTimeDesc), Limit: api.Some(most),
		FlowRuns: &api.FlowRunFilter{State: &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeRunning, api.StateTypeCancelling}}}},
	}
	runs, err := r.client.ReadFlowRuns(ctx, request)
	if err != nil {
		return nil, err
	}
	seen := map[uuid.UUID]bool{}
	for i := range runs {
		seen[runs[i].ID] = true
	}
	request.FlowRuns = &api.FlowRunFilter{ExpectedStartTime: &api.Span{Before: api.AtPtr(soon)}}
	newest, err := r.client.ReadFlowRuns(ctx, request)
	for _, run := range newest {
		if !seen[run.ID] {
			runs = append(runs, run)
		}
	}
	slices.SortStableFunc(runs, func(a, b api.FlowRunResponse) int { return cmp.Compare(weight(&a), weight(&b)) })
	return runs, err
}

func weight(r *api.FlowRunResponse) int {
	if r.StateType == nil {
		return 2
	}
	switch *r.StateType {
	case api.StateTypeRunning, api.StateTypeCancelling:
		return 0
	case api.StateTypePending, api.StateTypePaused, api.StateTypeScheduled:
		return 1
	case api.StateTypeCompleted, api.StateTypeFailed, api.StateTypeCrashed, api.StateTypeCancelled:
	}
	return 2
}

// names asks only for flows that are new.
func (r *reader) names(ctx context.Context, runs []api.FlowRunResponse) (map[uuid.UUID]string, error) {
	if r.flows == nil {
		r.flows = map[uuid.UUID]string{}
	}
	var unknown []uuid.UUID
	for i := range runs {
		if _, known := r.flows[runs[i].FlowID]; !known {
			unknown = append(unknown, runs[i].FlowID)
		}
	}
	names, err := find.FlowNames(ctx, r.client, unknown)
	for id, name := range names {
		r.flows[id] = name
	}
	all := make(map[uuid.UUID]string, len(r.flows))
	for id, name := range r.flows {
		all[id] = name
	}
	return all, err
}

// logs are the last lines of a run, the oldest first.
func (r *reader) logs(ctx context.Context, run uuid.UUID) ([]api.Log, error) {
	logs, err := r.client.ReadLogs(ctx, &api.ReadLogsRequest{
		Logs: &api.LogFilter{FlowRunID: &api.Match[uuid.UUID]{Any: []uuid.UUID{run}}},
		Sort: api.Some(api.LogSortTimestampDesc), Limit: api.Some(most),
	})
	slices.Reverse(logs)
	return logs, err
}
