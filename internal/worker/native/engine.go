package native

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/secrets"
	"github.com/usherhq/usher/internal/worker/launch"
	"github.com/usherhq/usher/internal/worker/report"
)

// Engine executes native flow runs.
type Engine struct {
	Client   *client.Client
	Secrets  *secrets.Sources // what blocks may refer to where it runs
	States   report.States
	Logs     *report.Logs
	Events   *report.Events
	Launcher launch.Launcher
	Now      func() time.Time
}

// Task is one flow run to execute.
type Task struct {
	Run      api.FlowRun
	Schema   []byte // the deployment's parameter schema
	Manifest nativeflow.Manifest
	Env      map[string]string // the program's environment, before what the engine adds
	WorkDir  string            // where the program runs
	Dir      string            // keeps the program's files, one folder per attempt
	Related  []api.RelatedResource
	Output   io.Writer // where printed lines are copied; may be nil
	// Started is told the program's process id each time it starts; may be nil.
	Started func(pid int)
}

// Stop is how a run is ended from outside.
type Stop int

// The ways to end a run.
const (
	StopCancel   Stop = iota + 1 // somebody asked for the run to be cancelled
	StopShutdown                 // the worker goes down and takes its runs along
)

// Grace is how long a program may take to end after it was asked to.
const Grace = 30 * time.Second

// tempFail is EX_TEMPFAIL of sysexits.h: try again later.
const tempFail = 75

// Outcome says how the execution ended, for the worker's own records.
type Outcome struct {
	PID  int
	Code int
}

// Execute runs the task to its end, which may be a state that is not final (a retry that
// the server keeps for later). It returns an error only when the API could not be told.
func (e *Engine) Execute(ctx context.Context, t Task, stop <-chan Stop) (Outcome, error) {
	x := &execution{Engine: e, Task: t, stop: stop}
	if t.Manifest.Retries > 0 {
		if err := x.announceRetries(ctx, t.Manifest.Retries); err != nil {
			return Outcome{}, err
		}
	}
	return x.attempts(ctx, nil)
}

// Resume takes over a task whose program an earlier worker started.
func (e *Engine) Resume(ctx context.Context, t Task, program *launch.Process, stop <-chan Stop) (Outcome, error) {
	x := &execution{Engine: e, Task: t, stop: stop}
	return x.attempts(ctx, program)
}

// execution is one task on its way.
type execution struct {
	*Engine
	Task

	stop      <-chan Stop
	stopped   Stop
	heartbeat uuid.UUID
	outcome   Outcome
	tasks     *taskRuns // of the attempt
}

// announceRetries says how often the server is to answer a failure with another attempt.
func (x *execution) announceRetries(ctx context.Context, retries int) error {
	policy := x.Run.EmpiricalPolicy
	delay := int(x.Manifest.RetryDelay.Seconds())
	policy.Retries, policy.RetryDelay = &retries, &delay
	return report.Persist(ctx, func() error {
		return x.Client.UpdateFlowRun(ctx, x.Run.ID, &api.FlowRunUpdate{EmpiricalPolicy: api.Some(policy)})
	})
}

// attempts runs the program until the server takes a state that leaves nothing to do here.
func (x *execution) attempts(ctx context.Context, program *launch.Process) (Outcome, error) {
	for {
		if program == nil {
			answer, err := x.States.Propose(ctx, x.Run.ID, report.Proposal{Type: api.StateTypeRunning, Name: "Running"})
			if err != nil {
				return x.outcome, err
			}
			if !answer.Is(api.StateTypeRunning) || answer.Status != api.SetStateStatusAccept {
				return x.outcome, nil // paused, scheduled for later, cancelled or gone: not ours any more
			}
		}
		final, err := x.attempt(ctx, program)
		if err != nil {
			return x.outcome, err
		}
		answer, err := x.States.Propose(ctx, x.Run.ID, final)
		if err != nil {
			return x.outcome, err
		}
		again, err := x.retries(ctx, answer)
		if err != nil || !again {
			return x.outcome, err
		}
		program = nil
	}
}

// retries waits for the time of a retry that the server put in place of a failure.
func (x *execution) retries(ctx context.Context, answer report.Answer) (bool, error) {
	if answer.Status != api.SetStateStatusReject || !answer.Is(api.StateTypeScheduled) {
		return false, nil
	}
	var wait time.Duration
	if at := answer.State.StateDetails.ScheduledTime; at != nil {
		wait = at.Sub(x.Now())
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		x.Run.RunCount++
		return true, nil
	case x.stopped = <-x.stop:
		_, err := x.States.Propose(ctx, x.Run.ID, x.stopState())
		return false, err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// attempt starts the program (unless it runs already), waits for its end and says which
// state that means.
func (x *execution) attempt(ctx context.Context, program *launch.Process) (report.Proposal, error) {
	resumed := program != nil
	if resumed {
		x.skipShipped(ctx, program)
	} else {
		started, refused, err := x.launch(ctx)
		if err != nil {
			return report.Proposal{}, err
		}
		if refused != nil {
			return *refused, nil
		}
		program = started
	}
	x.outcome.PID = program.PID()
	x.tasks = &taskRuns{x: x, dir: program.Dir(), open: map[string][]uuid.UUID{}, resumed: resumed}
	tails := x.follow(ctx, program)
	timedOut := x.await(ctx, program)
	if ctx.Err() != nil {
		return report.Proposal{}, ctx.Err()
	}
	last := tails.finish()
	x.outcome.Code = program.Exit().Code
	final := x.finalState(program.Exit(), timedOut)
	x.tasks.close(ctx, final)
	if final.Type == api.StateTypeFailed {
		if f := x.failure(); f != nil && f.Final {
			if err := x.announceRetries(ctx, 0); err != nil {
				return report.Proposal{}, err
			}
		}
	}
	if final.Type == api.StateTypeCompleted {
		if err := x.saveResult(ctx, last); err != nil {
			x.say(report.Warning, "The result was not saved: "+err.Error())
		}
	}
	return final, x.Logs.Settled(ctx)
}

// launch starts the program, unless the run is refused with a state.
func (x *execution) launch(ctx context.Context) (*launch.Process, *report.Proposal, error) {
	p, refused, err := x.prepare()
	if err != nil || refused != nil {
		return nil, refused, err
	}
	program, err := x.Launcher.Start(ctx, p.dir, p.Spec)
	if err != nil {
		return nil, nil, err
	}
	if x.Started != nil && program.PID() > 0 {
		x.Started(program.PID())
	}
	return program, nil, nil
}

// await waits for the program's end, ends it when its time is up or somebody says so, and
// keeps the run's heartbeat going.
func (x *execution) await(ctx context.Context, program *launch.Process) (timedOut bool) {
	beat := time.NewTicker(heartbeatEvery)
	defer beat.Stop()
	x.beat()
	var limit <-chan time.Time
	if x.Manifest.Timeout > 0 {
		timer := time.NewTimer(x.Manifest.Timeout)
		defer timer.Stop()
		limit = timer.C
	}
	for {
		select {
		case <-program.Done():
			return timedOut
		case <-ctx.Done():
			return timedOut
		case <-beat.C:
			x.beat()
		case <-limit:
			timedOut = true
			program.Stop(ctx, Grace)
		case x.stopped = <-x.stop:
			program.Stop(ctx, Grace)
		}
	}
}

const heartbeatEvery = 180 * time.Second

func (x *execution) beat() {
	resource := api.Resource{"prefect.resource.id": "prefect.flow-run." + x.Run.ID.String(), "prefect.resource.name": x.Run.Name}
	x.heartbeat = x.Events.Emit("prefect.flow-run.heartbeat", resource, x.Related, uuid.Nil)
}

func (x *execution) finalState(exit launch.Exit, timedOut bool) report.Proposal {
	switch {
	case x.stopped != 0:
		return x.stopState()
	case timedOut:
		return report.Proposal{Type: api.StateTypeFailed, Name: "TimedOut", Message: fmt.Sprintf("The program ran longer than %s, its timeout.", x.Manifest.Timeout)}
	case !exit.Known:
		return report.Proposal{Type: api.StateTypeCrashed, Message: "The program vanished without leaving an exit code."}
	case exit.Error != "":
		x.say(report.Error, "The program could not be started: "+exit.Error)
		return report.Proposal{Type: api.StateTypeCrashed, Message: fmt.Sprintf("The program could not be started (%d): %s. %s", exit.Code, exit.Error, report.HintOf(exit.Code).Resolution)}
	case exit.Code == 0:
		return report.Proposal{Type: api.StateTypeCompleted, Name: "Completed"}
	case exit.Code == tempFail:
		at := api.At(x.Now().Add(x.Manifest.RetryDelay))
		return report.Proposal{Type: api.StateTypeScheduled, Name: "AwaitingRetry", Scheduled: &at, Message: "The program asked to be run again later (exit code 75)."}
	case exit.Code < 0:
		hint := report.HintOf(exit.Code)
		return report.Proposal{Type: api.StateTypeCrashed, Message: fmt.Sprintf("The program was killed by signal %d. %s %s", -exit.Code, hint.Explanation, hint.Resolution)}
	}
	if f := x.failure(); f != nil {
		return *failed(f.String())
	}
	return *failed(fmt.Sprintf("Process exited with status code %d.", exit.Code))
}

func (x *execution) stopState() report.Proposal {
	if x.stopped == StopCancel {
		return report.Proposal{Type: api.StateTypeCancelled, Name: "Cancelled", Message: "Flow run was cancelled successfully.", Force: true}
	}
	return report.Proposal{Type: api.StateTypeCrashed, Message: "The worker was stopped while the program ran."}
}

// say logs a word of the engine's own to the run.
func (x *execution) say(level int, message string) {
	x.Logs.Add(report.RunnerLogger, x.Run.ID, level, x.Now(), message)
}
