package follow

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// Runs chooses the flow runs of a deployment, or of a work pool: those that are there and
// those to come.
type Runs struct {
	Deployment uuid.UUID
	Pool       string
}

func (r Runs) request(filter *api.FlowRunFilter) *api.ReadFlowRunsRequest {
	request := &api.ReadFlowRunsRequest{FlowRuns: filter, Sort: api.Some(api.FlowRunSortStartTimeDesc)}
	if r.Deployment != uuid.Nil {
		filter.DeploymentID = &api.FlowRunFilterDeploymentId{Any: []uuid.UUID{r.Deployment}}
	}
	if r.Pool != "" {
		request.WorkPools = &api.WorkPoolFilter{Name: &api.Match[string]{Any: []string{r.Pool}}}
	}
	return request
}

// Newest reads the newest runs that have started, as many as one request gives, with their
// names by their ids.
func (r Runs) Newest(ctx context.Context, c *client.Client) (map[uuid.UUID]string, error) {
	names := map[uuid.UUID]string{}
	started := false
	request := r.request(&api.FlowRunFilter{StartTime: &api.FlowRunFilterStartTime{IsNull: &started}})
	request.Limit = api.Some(find.PageSize)
	runs, err := c.ReadFlowRuns(ctx, request)
	for i := range runs {
		names[runs[i].ID] = runs[i].Name
	}
	return names, err
}

// Several follows the log lines of the runs since a time, until ctx ends. An API that was
// there may be away for a while.
func Several(ctx context.Context, c *client.Client, runs Runs, since time.Time, poll time.Duration, tell func(lines []api.Log, names map[uuid.UUID]string)) error {
	s := &several{client: c, runs: runs, since: since, after: since, names: map[uuid.UUID]string{}}
	for {
		lines, err := s.look(ctx)
		if err != nil && !bearable(ctx, s.reached, err) {
			return err
		}
		if len(lines) > 0 {
			tell(lines, s.names)
		}
		if err := pause(ctx, poll); err != nil {
			return err
		}
	}
}

type several struct {
	client  *client.Client
	runs    Runs
	since   time.Time
	after   time.Time // of the last line told
	reached time.Time // when the API answered last
	names   map[uuid.UUID]string
	told    memory
}

// look reads the lines that are new, the oldest first.
func (s *several) look(ctx context.Context) ([]api.Log, error) {
	ids, err := s.talking(ctx)
	if err != nil {
		return nil, err
	}
	s.reached = time.Now()
	var fresh []api.Log
	if len(ids) == 0 {
		return nil, nil
	}
	from := s.after.Add(-overlap)
	if from.Before(s.since) {
		from = s.since
	}
	logs, err := find.Pages(0, func(offset, limit int) ([]api.Log, error) {
		return s.client.ReadLogs(ctx, &api.ReadLogsRequest{
			Logs: &api.LogFilter{FlowRunID: &api.Match[uuid.UUID]{Any: ids}, Timestamp: &api.Span{After: api.AtPtr(from)}},
			Sort: api.Some(api.LogSortTimestampAsc), Offset: api.Some(offset), Limit: api.Some(limit),
		})
	})
	for i := range logs {
		l := &logs[i]
		if !s.told.add(l.ID, l.Timestamp.Time) {
			continue
		}
		fresh = append(fresh, *l)
		if l.Timestamp.After(s.after) {
			s.after = l.Timestamp.Time
		}
	}
	return fresh, err
}

// lingering is how long after its end a run may still be heard of.
const lingering = 30 * time.Second

// talking are the runs that go on, and those that have just ended.
func (s *several) talking(ctx context.Context) ([]uuid.UUID, error) {
	going := &api.FlowRunFilter{State: &api.FlowRunFilterState{Type: &api.Match[api.StateType]{
		Any: []api.StateType{api.StateTypePending, api.StateTypeRunning, api.StateTypeCancelling, api.StateTypePaused},
	}}}
	ended := &api.FlowRunFilter{EndTime: &api.FlowRunFilterEndTime{After: api.AtPtr(s.after.Add(-lingering))}}
	var ids []uuid.UUID
	for _, filter := range []*api.FlowRunFilter{going, ended} {
		request := s.runs.request(filter)
		runs, err := find.Pages(0, func(offset, limit int) ([]api.FlowRunResponse, error) {
			request.Offset, request.Limit = api.Some(offset), api.Some(limit)
			return s.client.ReadFlowRuns(ctx, request)
		})
		if err != nil {
			return nil, err
		}
		for i := range runs {
			ids = append(ids, runs[i].ID)
			s.names[runs[i].ID] = runs[i].Name
		}
	}
	return ids, nil
}
