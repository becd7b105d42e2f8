package worker

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/launch"
	"github.com/usherhq/usher/internal/worker/native"
	"github.com/usherhq/usher/internal/worker/report"
)

// recover takes over what killed workers of this pool on this machine left behind.
func (w *Worker) recover(ctx context.Context) {
	entries, err := w.journal.left()
	if err != nil {
		w.Warn("What an earlier worker left behind can't be read: %v", err)
		return
	}
	for _, e := range entries {
		x := newExecution(w, api.FlowRun{ID: e.Run})
		x.entry, x.job.Dir = e, e.dir
		if !w.register(x) {
			e.letGo()
			continue
		}
		w.runs.Go(func() {
			defer w.forget(x)
			x.takeOver(ctx)
			x.leave(ctx)
		})
	}
}

// findEvery is how often infrastructure without a worker is looked for.
const findEvery = time.Minute

// keepFinding looks for it until ctx ends or the worker drains.
func (w *Worker) keepFinding(ctx context.Context, finder Finder) {
	for !w.drain.isBegun() {
		w.recoverFound(ctx, finder)
		if report.Pause(ctx, jitter(findEvery)) != nil {
			return
		}
	}
}

// recoverFound takes over infrastructure that says itself whose run it executes: what this
// worker started under the same name, and what workers of the pool started that are gone, on
// whatever machine that was.
func (w *Worker) recoverFound(ctx context.Context, finder Finder) {
	pool, known := w.pool.get()
	if !known {
		return
	}
	found, err := finder.Find(ctx, pool.ID)
	if err == nil {
		found, err = w.unfinished(ctx, found)
	}
	if err != nil && ctx.Err() == nil {
		w.Warn("What earlier workers started can't be looked up: %v", err)
	}
	if err != nil || len(found) == 0 {
		return
	}
	online, err := w.othersOnline(ctx)
	if err != nil {
		w.Warn("Which workers are online can't be read, so their runs are left to them: %v", err)
		return
	}
	for _, f := range found {
		if online[slug(f.Worker)] || w.drain.isBegun() {
			continue
		}
		x := newExecution(w, api.FlowRun{ID: f.Run})
		if !w.register(x) {
			continue
		}
		entry, err := w.journal.begin(f.Run)
		if err != nil { // another worker on this machine has it
			w.forget(x)
			continue
		}
		x.entry, x.job.Dir = entry, entry.dir
		w.runs.Go(func() {
			defer w.forget(x)
			x.takeOver(ctx)
			x.leave(ctx)
		})
	}
}

// unfinished keeps what executes runs that are not in our hands and have not ended.
func (w *Worker) unfinished(ctx context.Context, found []Found) ([]Found, error) {
	found = slices.DeleteFunc(found, func(f Found) bool { return w.holds(f.Run) })
	open := map[uuid.UUID]bool{}
	for rest := found; len(rest) > 0; {
		some := rest[:min(len(rest), fullAnswer)]
		rest = rest[len(some):]
		ids := make([]uuid.UUID, len(some))
		for i, f := range some {
			ids[i] = f.Run
		}
		runs, err := w.Client.ReadFlowRuns(ctx, &api.ReadFlowRunsRequest{FlowRuns: &api.FlowRunFilter{
			ID: &api.Match[uuid.UUID]{Any: ids},
			State: &api.FlowRunFilterState{Type: &api.Match[api.StateType]{
				Any: []api.StateType{api.StateTypePending, api.StateTypeRunning, api.StateTypeCancelling},
			}},
		}})
		if err != nil {
			return nil, err
		}
		for _, run := range runs {
			open[run.ID] = true
		}
	}
	return slices.DeleteFunc(found, func(f Found) bool { return !open[f.Run] }), nil
}

// othersOnline are the names of the pool's other workers that are there.
func (w *Worker) othersOnline(ctx context.Context) (map[string]bool, error) {
	workers, err := w.Client.ReadWorkers(ctx, w.Pool, &api.ReadWorkersRequest{})
	online := map[string]bool{}
	for _, other := range workers {
		if other.Name != w.Name && other.Status == api.WorkerStatusOnline {
			online[slug(other.Name)] = true // labels can't have every name as it is
		}
	}
	return online, err
}

// takeOver goes on with a run where the killed worker was.
func (x *execution) takeOver(ctx context.Context) {
	var run api.FlowRunResponse
	err := report.Persist(ctx, func() (err error) {
		run, err = x.w.Client.ReadFlowRun(ctx, x.entry.Run)
		return err
	})
	if err != nil {
		return // deleted, or we are being killed
	}
	x.job.Run = flowRunOf(run)
	if x.entry.Native != "" {
		x.takeOverNative(ctx, run)
		return
	}
	unready := x.configure(ctx)
	infra, err := x.w.kind.Adopt(ctx, x.job)
	if err != nil {
		x.giveBack(ctx, run, killedBefore)
		return
	}
	defer infra.Release()
	x.w.Notice("Took over run '%s', which an earlier worker had started.", run.Name)
	if unready != nil { // it runs all the same; only its hooks need the job
		x.w.Warn("Run %s goes on without its deployment: %v", run.Name, unready)
	}
	if run.StateType != nil && report.Final(*run.StateType) {
		infra.Stop(ctx, stopGrace) // it ended in the server's eyes while nobody looked
		return
	}
	if run.StateType != nil && *run.StateType == api.StateTypeCancelling {
		x.cancelled.begin()
	}
	x.await(ctx, infra)
}

func (x *execution) takeOverNative(ctx context.Context, run api.FlowRunResponse) {
	var program *launch.Process
	if dir := native.LastAttempt(x.job.Dir); dir != "" {
		program, _ = launch.Adopt(ctx, dir) // none: it was never started
	}
	switch {
	case program == nil:
		x.giveBack(ctx, run, killedBefore)
		return
	case run.StateType != nil && report.Final(*run.StateType):
		program.Stop(ctx, stopGrace)
		return
	case run.StateType != nil && *run.StateType == api.StateTypeCancelling:
		x.cancelled.begin()
	}
	command, dir := x.entry.Native, x.entry.Dir
	if err := x.configure(ctx); err != nil {
		x.w.Warn("Run %s can't be started again if it fails: %v", run.Name, err)
	}
	// What was started counts, not what the deployment says by now.
	x.entry.Native, x.entry.Dir = command, dir
	manifest, _, err := nativeflow.ParseCommand(command)
	if err != nil {
		x.failedToStart(ctx, err)
		return
	}
	x.manifest, x.isNative = manifest, true
	if err := x.lend(ctx, true); err != nil {
		x.w.Warn("Run %s gets no token, so it can't be started again with access to the API: %v", run.Name, err)
		for _, name := range append(keys, passwords...) {
			delete(x.job.Env, name)
		}
	}
	x.w.Notice("Took over run '%s', which an earlier worker had started.", run.Name)
	x.resumeNative(ctx, program)
}

// Why a run is given back.
const (
	killedBefore  = "The worker that had taken the run was killed before it started it."
	stoppedBefore = "The worker that had taken the run was stopped before it started it."
)

// giveBack makes a run that was claimed but never started free for any worker again.
func (x *execution) giveBack(ctx context.Context, run api.FlowRunResponse, why string) {
	if run.StateType == nil {
		return
	}
	switch *run.StateType {
	case api.StateTypePending:
		if !x.isOurs(run.State) {
			return
		}
		now := api.At(x.w.Now())
		x.propose(ctx, report.Proposal{
			Type: api.StateTypeScheduled, Name: "Scheduled", Scheduled: &now, Force: true,
			Message: why,
		})
	case api.StateTypeRunning:
		// Only a native run is RUNNING before its program starts: its engine is the worker.
		if x.entry.Native != "" {
			x.crash(ctx, "The worker was killed while it started the program.")
		}
	case api.StateTypeCancelling:
		x.confirmCancelled(ctx, "Flow run cancelled by worker while pending.")
	}
}

// flowRunOf is the run as polls answer it.
func flowRunOf(r api.FlowRunResponse) api.FlowRun {
	return api.FlowRun{
		ID: r.ID, Name: r.Name, FlowID: r.FlowID, DeploymentID: r.DeploymentID, DeploymentVersionID: r.DeploymentVersionID, Parameters: r.Parameters, Context: r.Context,
		EmpiricalPolicy: r.EmpiricalPolicy, Tags: r.Tags, Labels: r.Labels, StateType: r.StateType, StateName: r.StateName, RunCount: r.RunCount,
		ExpectedStartTime: r.ExpectedStartTime, NextScheduledStartTime: r.NextScheduledStartTime, WorkQueueID: r.WorkQueueID,
		WorkQueueName: r.WorkQueueName, InfrastructurePID: r.InfrastructurePID, State: r.State, JobVariables: r.JobVariables,
	}
}
