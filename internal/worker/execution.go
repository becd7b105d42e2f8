package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/report"
)

// execution is one flow run in the worker's hands.
type execution struct {
	w         *Worker
	job       *Job
	entry     *entry
	manifest  nativeflow.Manifest
	isNative  bool
	cancelled stage // somebody asked for the run to be cancelled
}

func newExecution(w *Worker, run api.FlowRun) *execution {
	x := &execution{w: w, cancelled: newStage()}
	x.job = &Job{Run: run, Output: w.Output, Worker: w.resource(), Log: x.logRunner, Emit: x.emit, Waiting: x.waiting}
	return x
}

func (x *execution) logAs(logger string, level int, message string) {
	x.w.logs.Add(logger, x.job.Run.ID, level, x.w.Now(), message)
}

func (x *execution) logWorkerf(level int, format string, args ...any) {
	logger := report.WorkerLogger
	if x.w.serves() {
		logger = report.RunnerLogger
	}
	x.logAs(logger, level, fmt.Sprintf(format, args...))
}

func (x *execution) logRunner(level int, message string) {
	x.logAs(report.RunnerLogger, level, message)
}

func (x *execution) emit(event string, resource api.Resource, follows uuid.UUID) uuid.UUID {
	return x.w.events.Emit(event, resource, append(x.w.related(x.job), workerRole(x.w.resource())), follows)
}

// waitingPatience bounds how long the API may take to hear that a run waits.
const waitingPatience = 30 * time.Second

// waiting reports that the run's infrastructure is pending, unless the run has gone on.
func (x *execution) waiting(message string, again bool) {
	ctx, cancel := context.WithTimeout(context.Background(), waitingPatience)
	defer cancel()
	run, err := x.w.Client.ReadFlowRun(ctx, x.job.Run.ID)
	if err != nil || run.StateType == nil || *run.StateType != api.StateTypePending {
		return
	}
	x.propose(ctx, report.Proposal{Type: api.StateTypePending, Name: "InfrastructurePending", Message: message, Force: again})
}

// workerRole names the worker as one of the things that an event is related to.
func workerRole(resource api.Resource) api.RelatedResource {
	related := api.RelatedResource{"prefect.resource.role": "worker"}
	maps.Copy(related, resource)
	return related
}

// execute takes the run from SCHEDULED to its end. A worker that is being killed leaves the
// run's entry for the next one.
func (x *execution) execute(ctx context.Context) {
	var err error
	x.entry, err = x.w.journal.begin(x.job.Run.ID)
	if errors.Is(err, errHeld) {
		return
	}
	if err != nil {
		x.w.Warn("Run %s is left to other workers: this one can't keep its journal: %v", x.job.Run.Name, err)
		return
	}
	x.job.Dir = x.entry.dir
	x.logWorkerf(report.Info, "%s '%s' submitting flow run '%s'", x.w.title(), x.w.Name, x.job.Run.ID)
	unready := x.configure(ctx)
	if !x.awaitTime(ctx) || !x.claim(ctx) {
		x.leave(ctx)
		return
	}
	if unready != nil {
		x.unready(ctx, unready)
	} else {
		x.start(ctx)
	}
	x.leave(ctx)
}

// leave ends the entry, unless the worker goes down with the run unfinished.
func (x *execution) leave(ctx context.Context) {
	defer x.job.release()
	if ctx.Err() != nil {
		x.w.journal.keep(x.entry)
		return
	}
	x.entry.remove()
}

// awaitTime holds a native run, found ahead of its time, until it is due: a program starts
// in no time. It says whether the run is still to be done then.
func (x *execution) awaitTime(ctx context.Context) bool {
	due := x.job.Run.NextScheduledStartTime
	if !x.isNative || due == nil {
		return true
	}
	if !x.waitUntil(ctx, due.Add(-recheckAhead)) {
		return false
	}
	if x.w.Now().Before(due.Add(-recheckAhead / 2)) {
		run, err := x.w.Client.ReadFlowRun(ctx, x.job.Run.ID)
		if err != nil || run.StateType == nil || *run.StateType != api.StateTypeScheduled ||
			run.NextScheduledStartTime == nil || !run.NextScheduledStartTime.Equal(due.Time) {
			return false // cancelled, moved or taken meanwhile; the next poll knows better
		}
	}
	return x.waitUntil(ctx, due.Time)
}

// recheckAhead is how long before its time a held run is looked at again.
const recheckAhead = 250 * time.Millisecond

func (x *execution) waitUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(at.Sub(x.w.Now()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.w.drain.begun:
	case <-x.cancelled.begun:
	case <-ctx.Done():
	}
	return false
}

// claim proposes PENDING and says whether the run is ours. The server lets one worker have
// it, so a refusal is nothing to complain about.
func (x *execution) claim(ctx context.Context) bool {
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // a drain ends the wait for a free slot of the deployment
		select {
		case <-x.w.drain.begun:
			cancel()
		case <-asking.Done():
		}
	}()
	answer, err := x.w.states.Propose(asking, x.job.Run.ID, report.Proposal{Type: api.StateTypePending, Name: "Pending", Transition: x.entry.Claim})
	switch {
	case err != nil && asking.Err() == nil:
		x.w.Warn("Run %s could not be claimed: %v", x.job.Run.Name, err)
		return false
	case err != nil:
		return false
	case answer.Status == api.SetStateStatusAbort:
		x.w.Warn("Aborted submission of flow run '%s'. Server sent an abort signal: %s", x.job.Run.ID, answer.Reason)
		return false
	}
	return answer.Is(api.StateTypePending) && answer.Status == api.SetStateStatusAccept
}

// unready ends a claimed run that has no job to start.
func (x *execution) unready(ctx context.Context, cause error) {
	if errors.Is(cause, errNoDeployment) {
		x.propose(ctx, report.Proposal{
			Type: api.StateTypeCancelled, Name: "Cancelled", Force: true,
			Message: fmt.Sprintf("Deployment %s no longer exists, cancelled run.", x.job.Run.DeploymentID),
		})
		return
	}
	x.failedToStart(ctx, cause)
}

func (x *execution) failedToStart(ctx context.Context, cause error) {
	x.logWorkerf(report.Error, "Failed to submit flow run '%s' to infrastructure. %v", x.job.Run.Name, cause)
	x.crash(ctx, "Failed to submit flow run to infrastructure: "+cause.Error())
}

// propose proposes a state whose refusal means that somebody else decided already.
func (x *execution) propose(ctx context.Context, p report.Proposal) report.Answer {
	answer, err := x.w.states.Propose(ctx, x.job.Run.ID, p)
	if err != nil && ctx.Err() == nil && api.CodeOf(err) != api.CodeNotFound {
		x.w.Warn("The state %s of run %s could not be reported: %v", p.Type, x.job.Run.Name, err)
	}
	return answer
}

func (x *execution) crash(ctx context.Context, message string) {
	x.propose(ctx, report.Proposal{Type: api.StateTypeCrashed, Name: "Crashed", Message: message})
}

// start starts the claimed run and sees it to its end.
func (x *execution) start(ctx context.Context) {
	submitted := x.w.tell("prefect.worker.submitted-flow-run", x.w.related(x.job), uuid.Nil)
	labelled := make(chan struct{})
	go func() {
		defer close(labelled)
		x.label(ctx)
	}()
	var identifier string
	var code int
	switch err := x.lend(ctx, false); {
	case err != nil && ctx.Err() == nil:
		x.failedToStart(ctx, fmt.Errorf("get the token of the run: %w", err))
	case err != nil: // left to the next worker
	case x.isNative:
		identifier, code = x.runNative(ctx)
	default:
		identifier, code = x.runInfrastructure(ctx)
	}
	<-labelled
	if ctx.Err() == nil && identifier != "" {
		x.w.executed(x.job, identifier, code, submitted)
	}
}

// label attributes the run to this worker and its pool, if there is one.
func (x *execution) label(ctx context.Context) {
	if x.w.serves() {
		return
	}
	labels, err := x.attributionLabels()
	if err == nil {
		err = x.w.Client.UpdateFlowRunLabels(ctx, x.job.Run.ID, labels)
	}
	if err != nil && ctx.Err() == nil {
		x.w.Warn("The labels of run %s could not be set: %v", x.job.Run.Name, err)
	}
}

func (w *Worker) executed(job *Job, identifier string, code int, follows uuid.UUID) {
	related := w.related(job)
	for _, r := range related {
		if r["prefect.resource.role"] == "flow-run" {
			r["prefect.infrastructure.identifier"] = identifier
			r["prefect.infrastructure.status-code"] = strconv.Itoa(code)
		}
	}
	w.tell("prefect.worker.executed-flow-run", related, follows)
}
