package follow

import (
	"bytes"
	"context"
	"slices"
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
	PoolID     uuid.UUID // of Pool
}

// resource is what the events of the runs are related to.
func (r Runs) resource() string {
	if r.Pool != "" {
		return "prefect.work-pool." + r.PoolID.String()
	}
	return "prefect.deployment." + r.Deployment.String()
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
// there may be away for a while. While the server's sockets say nothing it looks ever less often;
// poll is how often it looks where there are none.
func Several(ctx context.Context, c *client.Client, runs Runs, since time.Time, poll time.Duration, tell func(lines []api.Log, names map[uuid.UUID]string)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &several{client: c, runs: runs, since: since, after: since, names: map[uuid.UUID]string{}, events: newListener(c), logs: newListener(c), silence: func() {}}
	s.events.eventsOf(ctx, runs.resource(), "prefect.flow-run.")
	anew := true // who talks
	for wait := poll; ; {
		lines, err := s.look(ctx, anew)
		if err != nil && !bearable(ctx, s.reached, err) {
			return err
		}
		switch {
		case len(lines) > 0:
			tell(lines, s.names)
			wait = poll
		case err == nil && s.listening():
			wait = min(2*wait, max(poll, quietMost))
		default:
			wait = poll
		}
		woken := false
		if anew, woken, err = s.rest(ctx, wait); err != nil {
			return err
		}
		if woken {
			wait = poll
		}
	}
}

const (
	restLeast = 250 * time.Millisecond // between two looks, however much is heard
	quietMost = 15 * time.Second       // while sockets are open and say nothing
)

type several struct {
	client  *client.Client
	runs    Runs
	since   time.Time
	after   time.Time // of the last line told
	reached time.Time // when the API answered last
	ids     []uuid.UUID
	names   map[uuid.UUID]string
	told    memory
	events  *listener // runs begin, change and end
	logs    *listener // they say something
	silence func()    // ends listening to the runs that talked before
}

// listening reports whether all that is worth a look would be heard.
func (s *several) listening() bool {
	return s.events.open.Load() > 0 && (len(s.ids) == 0 || s.logs.open.Load() > 0)
}

// rest waits until something is heard, at most d. It reports whether there may be other runs, and
// whether it was woken.
func (s *several) rest(ctx context.Context, d time.Duration) (runs, woken bool, err error) {
	least := min(d, restLeast)
	if err := pause(ctx, least); err != nil {
		return false, false, err
	}
	timer := time.NewTimer(d - least)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, false, ctx.Err()
	case <-s.events.wake:
		return true, true, nil
	case <-s.logs.wake:
		return false, true, nil
	case <-timer.C:
		return true, false, nil
	}
}

// look reads the lines that are new, the oldest first; before that, if asked to, whose they are.
func (s *several) look(ctx context.Context, runs bool) ([]api.Log, error) {
	if runs {
		ids, err := s.talking(ctx)
		if err != nil {
			return nil, err
		}
		s.hear(ctx, ids)
	}
	s.reached = time.Now()
	if len(s.ids) == 0 {
		return nil, nil
	}
	from := s.after.Add(-overlap)
	if from.Before(s.since) {
		from = s.since
	}
	logs, err := find.Pages(0, func(offset, limit int) ([]api.Log, error) {
		return s.client.ReadLogs(ctx, &api.ReadLogsRequest{
			Logs: &api.LogFilter{FlowRunID: &api.Match[uuid.UUID]{Any: s.ids}, Timestamp: &api.Span{After: api.AtPtr(from)}},
			Sort: api.Some(api.LogSortTimestampAsc), Offset: api.Some(offset), Limit: api.Some(limit),
		})
	})
	var fresh []api.Log
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

// hear listens to these runs, if they are others than before.
func (s *several) hear(ctx context.Context, ids []uuid.UUID) {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	if slices.Equal(ids, s.ids) {
		return
	}
	s.silence()
	s.ids = ids
	if len(ids) > 0 {
		ctx, s.silence = context.WithCancel(ctx)
		s.logs.logsOf(ctx, ids...)
	}
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
