// Package upcoming lists the flow runs that wait for their time: what the preview commands
// show. It looks without asking for work, which would count as a worker's question.
package upcoming

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// Where says whose runs are wanted: those of a pool, or of one queue.
type Where struct{ Pool, Queue uuid.UUID }

// Read reads the runs, the first one due first. A zero until means any time.
func Read(ctx context.Context, c *client.Client, where Where, until time.Time) ([]api.FlowRunResponse, error) {
	request := &api.ReadFlowRunsRequest{
		Sort:     api.Some(api.FlowRunSortNextScheduledStartTimeAsc),
		FlowRuns: &api.FlowRunFilter{State: &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeScheduled}}}},
	}
	if where.Pool != uuid.Nil {
		request.WorkPools = &api.WorkPoolFilter{ID: &api.Match[uuid.UUID]{Any: []uuid.UUID{where.Pool}}}
	}
	if where.Queue != uuid.Nil {
		request.WorkPoolQueues = &api.WorkQueueFilter{ID: &api.Match[uuid.UUID]{Any: []uuid.UUID{where.Queue}}}
	}
	if !until.IsZero() {
		request.FlowRuns.NextScheduledStartTime = &api.Span{Before: api.AtPtr(until)}
	}
	return find.Pages(0, func(offset, limit int) ([]api.FlowRunResponse, error) {
		request.Offset, request.Limit = api.Some(offset), api.Some(limit)
		return c.ReadFlowRuns(ctx, request)
	})
}

// Columns are how runs that wait are listed; those that are late are marked.
func Columns(now time.Time) []output.Column[api.FlowRunResponse] {
	late := func(r api.FlowRunResponse) output.Tone {
		if r.NextScheduledStartTime != nil && r.NextScheduledStartTime.Before(now) {
			return output.Warn
		}
		return output.Plain
	}
	return []output.Column[api.FlowRunResponse]{
		{
			Name: "Scheduled start time", Value: func(r api.FlowRunResponse) string { return output.Stamp(r.NextScheduledStartTime) },
			Human: func(r api.FlowRunResponse, now time.Time) string { return output.AgoPtr(now, r.NextScheduledStartTime) }, Tone: late,
		},
		{Name: "Run ID", Value: func(r api.FlowRunResponse) string { return r.ID.String() }, Whole: true, Rank: 2},
		{Name: "Name", Value: func(r api.FlowRunResponse) string { return r.Name }, Tone: func(api.FlowRunResponse) output.Tone { return output.Strong }},
		{Name: "Queue", Value: func(r api.FlowRunResponse) string { return output.Text(r.WorkQueueName) }, Rank: 1},
		{Name: "Deployment ID", Value: deployment, Whole: true, Rank: 3},
	}
}

func deployment(r api.FlowRunResponse) string {
	if r.DeploymentID == nil {
		return ""
	}
	return r.DeploymentID.String()
}
