package worker

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/worker/report"
)

// Expecter is a Kind that gets ready for runs that have not come yet.
type Expecter interface {
	// Expects is for how many runs it gets ready, 0 for none.
	Expects() int
	// Expect gets ready for a run like the job, which has no folder.
	Expect(ctx context.Context, job *Job)
}

// expectPage is among how many runs those are looked for that a worker gets ready for.
const expectPage = 100

// expect gets the kind ready for the first runs of this worker: of the deployments that are
// due next, then of those that ran last. It is no reason to complain if that fails.
func (w *Worker) expect(ctx context.Context, kind Expecter) {
	left, seen := kind.Expects(), map[uuid.UUID]bool{}
	for _, request := range []*api.ReadFlowRunsRequest{
		{
			Sort:     api.Some(api.FlowRunSortNextScheduledStartTimeAsc),
			FlowRuns: &api.FlowRunFilter{State: &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeScheduled}}}},
		},
		{
			Sort:     api.Some(api.FlowRunSortStartTimeDesc),
			FlowRuns: &api.FlowRunFilter{StartTime: &api.FlowRunFilterStartTime{IsNull: new(bool)}},
		},
	} {
		w.onlyOurs(request)
		var found []api.FlowRunResponse
		err := report.Persist(ctx, func() (err error) {
			found, err = w.Client.ReadFlowRuns(ctx, request)
			return err
		})
		if err != nil {
			return
		}
		for _, run := range found {
			if left == 0 || ctx.Err() != nil {
				return
			}
			if run.DeploymentID == nil || seen[*run.DeploymentID] {
				continue
			}
			seen[*run.DeploymentID] = true
			x := newExecution(w, flowRunOf(run))
			x.entry = &entry{}
			if x.configure(ctx) == nil && !x.isNative {
				kind.Expect(ctx, x.job)
				left--
			}
		}
	}
}

// onlyOurs bounds what is asked for to runs that this worker may take.
func (w *Worker) onlyOurs(request *api.ReadFlowRunsRequest) {
	request.Limit = api.Some(expectPage)
	if w.serves() {
		request.FlowRuns.DeploymentID = &api.FlowRunFilterDeploymentId{Any: w.Deployments}
		return
	}
	request.WorkPools = &api.WorkPoolFilter{Name: &api.Match[string]{Any: []string{w.Pool}}}
	if len(w.Queues) > 0 {
		request.WorkPoolQueues = &api.WorkQueueFilter{Name: &api.WorkQueueFilterName{Any: w.Queues}}
	}
}
