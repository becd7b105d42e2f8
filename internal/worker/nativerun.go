package worker

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/usherhq/usher/internal/worker/launch"
	"github.com/usherhq/usher/internal/worker/native"
	"github.com/usherhq/usher/internal/worker/report"
)

// runNative executes a run whose flow is a program.
func (x *execution) runNative(ctx context.Context) (identifier string, code int) {
	dir, err := x.nativeDir(ctx)
	if err != nil {
		x.failedToStart(ctx, err)
		return "", 0
	}
	x.entry.Dir = dir
	if err := x.entry.advance(phaseStarted); err != nil {
		x.failedToStart(ctx, err)
		return "", 0
	}
	return x.native(ctx, func(task native.Task, stop <-chan native.Stop) (native.Outcome, error) {
		return x.w.engine.Execute(ctx, task, stop)
	})
}

// resumeNative goes on with a program that an earlier worker started.
func (x *execution) resumeNative(ctx context.Context, program *launch.Process) {
	x.native(ctx, func(task native.Task, stop <-chan native.Stop) (native.Outcome, error) {
		return x.w.engine.Resume(ctx, task, program, stop)
	})
}

func (x *execution) native(ctx context.Context, run func(native.Task, <-chan native.Stop) (native.Outcome, error)) (string, int) {
	task := native.Task{
		Run: x.job.Run, Manifest: x.manifest, Env: x.job.Env, WorkDir: x.entry.Dir, Dir: x.job.Dir, Related: x.w.related(x.job),
		Output: x.output(),
	}
	if x.job.Deployment != nil {
		task.Schema = x.job.Deployment.ParameterOpenapiSchema
	}
	var announced atomic.Bool
	task.Started = func(pid int) {
		if !announced.Swap(true) {
			go x.announce(ctx, strconv.Itoa(pid))
		}
	}
	over := make(chan struct{})
	defer close(over)
	outcome, err := run(task, x.stops(over))
	if err != nil && ctx.Err() == nil {
		x.failedToStart(ctx, err)
	}
	if x.cancelled.isBegun() && ctx.Err() == nil {
		x.confirmCancelled(ctx, "Flow run was cancelled successfully.")
	}
	if outcome.PID == 0 {
		return "", outcome.Code
	}
	return strconv.Itoa(outcome.PID), outcome.Code
}

// output is where the program's lines are copied, nil when the job does not want it.
func (x *execution) output() io.Writer {
	if stream, ok := x.job.Config.Rest["stream_output"].(bool); ok && !stream {
		return nil
	}
	return x.job.Output
}

// stops turns what may happen to a run into what the engine listens to.
func (x *execution) stops(over <-chan struct{}) <-chan native.Stop {
	stops := make(chan native.Stop, 1)
	go func() {
		select {
		case <-x.cancelled.begun:
			stops <- native.StopCancel
		case <-x.w.abort.begun:
			stops <- native.StopShutdown
		case <-over:
		}
	}()
	return stops
}

// nativeDir is where the program runs: the job's working directory, or a fresh one, moved
// on by the deployment's pull steps.
func (x *execution) nativeDir(ctx context.Context) (string, error) {
	dir, _ := x.job.Config.Rest["working_dir"].(string)
	if dir == "" {
		dir = filepath.Join(x.job.Dir, "work")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
	}
	if x.job.Deployment == nil || len(x.job.Deployment.PullSteps) == 0 {
		return dir, nil
	}
	say := func(line string) { x.logRunner(report.Info, line) }
	return x.w.engine.Pull(ctx, x.job.Deployment.PullSteps, dir, x.job.Env, say)
}
