package worker

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/worker/report"
)

// fullAnswer is the most runs that the server returns at once.
const fullAnswer = 200

// troubleAfter is how many failures in a row are worth a word.
const troubleAfter = 3

// poll takes runs until the worker drains: whenever the server says that something is due,
// when a run that is already known comes due, and every query interval.
func (w *Worker) poll(ctx context.Context) error {
	failures := 0
	for {
		next, err := w.pollOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the worker stops
		case err == nil:
			if failures >= troubleAfter {
				w.Notice("The API answers again.")
			}
			failures = 0
		case report.Passing(err) || api.CodeOf(err) == api.CodeInternal:
			failures++
			next = min(jitter(w.Query)<<min(failures/troubleAfter, 3), time.Minute)
			if failures == troubleAfter {
				w.Warn("The last %d polls failed; the worker keeps trying. %v", failures, err)
			}
		default:
			return err
		}
		if w.RunOnce {
			return nil
		}
		if !w.sleep(ctx, next) {
			return nil
		}
	}
}

// sleep waits for the next poll and says whether there is one.
func (w *Worker) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.wake:
	case <-w.drain.begun:
		return false
	case <-ctx.Done():
		return false
	}
	return !w.drain.isBegun()
}

// pollOnce asks for runs and takes those whose time has come. It returns how long to wait
// before the next poll.
func (w *Worker) pollOnce(ctx context.Context) (time.Duration, error) {
	interval := jitter(w.Query)
	now := w.Now()
	// Runs that come due before the next poll are wanted now, to be ready for their time.
	ahead := max(w.Prefetch, interval)
	found, err := w.find(ctx, now.Add(ahead))
	w.lastPoll.set(now)
	if api.CodeOf(err) == api.CodeNotFound {
		return interval, nil // no such pool or queue, yet
	}
	if err != nil {
		return 0, err
	}
	if len(found) >= fullAnswer {
		interval = 0
	}
	return w.take(ctx, found, interval), nil
}

// find asks for the runs that come due before a time.
func (w *Worker) find(ctx context.Context, before time.Time) ([]api.FlowRun, error) {
	if w.serves() {
		found, err := w.Client.GetScheduledFlowRunsForDeployments(ctx, &api.GetScheduledFlowRunsForDeploymentsRequest{
			DeploymentIDs: w.Deployments, ScheduledBefore: api.Some(api.At(before)),
		})
		runs := make([]api.FlowRun, len(found))
		for i, run := range found {
			runs[i] = flowRunOf(run)
		}
		return runs, err
	}
	request := &api.GetScheduledFlowRunsRequest{ScheduledBefore: api.Some(api.At(before))}
	if len(w.Queues) > 0 {
		request.WorkQueueNames = api.Some(w.Queues)
	}
	found, err := w.Client.GetScheduledFlowRuns(ctx, w.Pool, request)
	runs := make([]api.FlowRun, len(found))
	for i, f := range found {
		runs[i] = f.FlowRun
	}
	return runs, err
}

// take starts the runs that may start now, and shortens the wait to when the next one may.
func (w *Worker) take(ctx context.Context, found []api.FlowRun, wait time.Duration) time.Duration {
	for _, run := range found {
		early := w.early(run)
		if early > 0 {
			wait = min(wait, early)
			continue
		}
		if w.Limit > 0 && w.count() >= w.Limit && !w.holds(run.ID) {
			return w.Query // the end of a run wakes the loop
		}
		w.begin(ctx, run)
	}
	return wait
}

// early is how long a run must still wait. It starts as much before its time as the prefetch
// says: an interpreter takes seconds to come up, and the server holds the engine back until
// the time has come. Programs without an interpreter wait for their exact time themselves.
func (w *Worker) early(run api.FlowRun) time.Duration {
	if run.NextScheduledStartTime == nil {
		return 0
	}
	return run.NextScheduledStartTime.Sub(w.Now()) - w.Prefetch
}

func (w *Worker) holds(run uuid.UUID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active[run] != nil
}

// begin takes a run in hand, unless it is already.
func (w *Worker) begin(ctx context.Context, run api.FlowRun) {
	x := newExecution(w, run)
	if !w.register(x) {
		return
	}
	w.runs.Go(func() {
		defer w.forget(x)
		x.execute(ctx)
	})
}

func (w *Worker) register(x *execution) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active[x.job.Run.ID] != nil {
		return false
	}
	w.active[x.job.Run.ID] = x
	return true
}

func (w *Worker) forget(x *execution) {
	w.mu.Lock()
	delete(w.active, x.job.Run.ID)
	w.mu.Unlock()
	if w.Limit > 0 {
		w.nudge()
	}
}
