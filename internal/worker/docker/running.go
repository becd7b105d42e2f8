package docker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/report"
	"github.com/usherhq/usher/internal/worker/timed"
)

// running is a container that runs or has ended.
type running struct {
	kind    *Kind
	job     *worker.Job
	options options
	id      string
	name    string
	last    uuid.UUID // the newest event about it

	followed time.Time // since when it is watched

	done   chan struct{}
	once   sync.Once
	exit   worker.Exit
	copied sync.WaitGroup
	tail   timed.Tail
}

func (r *running) Identifier() string { return r.kind.Engine.Name() + ":" + r.id }

func (r *running) Done() <-chan struct{} { return r.done }

func (r *running) Exit() worker.Exit { return r.exit }

func (r *running) end(exit worker.Exit) {
	r.once.Do(func() {
		r.exit = exit
		close(r.done)
	})
}

func (r *running) emit(status string) {
	resource := api.Resource{"prefect.resource.id": "prefect.docker.container." + r.id}
	if r.name != "" {
		resource["prefect.resource.name"] = r.name
	}
	r.last = r.job.Emit("prefect.docker.container."+status, resource, r.last)
}

// follow watches the container until it ends, and copies what it prints after the time.
func (r *running) follow(ctx context.Context, since time.Time) {
	r.followed = time.Now()
	if stream, ok := r.job.Config.Rest["stream_output"].(bool); !ok || stream {
		r.copied.Go(func() { r.copyOutput(ctx, since) })
	}
	go r.watch(ctx)
}

// killed is the exit code of a container that got SIGKILL.
const killed = 137

const (
	askAgain     = 500 * time.Millisecond // after the engine did not answer
	askAgainMost = 10 * time.Second
	// lookAnyway is how long the engine may say nothing of the end before the container is
	// looked at: one that was killed and started anew can forget who waits.
	lookAnyway = 20 * time.Second
	// lostAfter is how long an engine that was killed while it started a container may take to
	// find out that it runs.
	lostAfter = 30 * time.Second
)

// watch waits for the end of the container, through restarts of the engine.
func (r *running) watch(ctx context.Context) {
	pause := askAgain
	for warned := false; ; {
		waiting, cancel := context.WithTimeout(ctx, lookAnyway)
		err := r.kind.Engine.Wait(waiting, r.id)
		silent := waiting.Err() != nil
		cancel()
		if err == nil || silent || api.CodeOf(err) == api.CodeNotFound {
			var ended bool
			looking, cancel := context.WithTimeout(ctx, lookAnyway)
			ended, err = r.ended(looking)
			cancel()
			if ended {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil && !warned {
			warned = true
			r.job.Log(report.Warning, fmt.Sprintf("The container is not watched for the moment: %v", err))
		}
		if silent && err == nil {
			pause = askAgain
			continue
		}
		if report.Pause(ctx, pause) != nil {
			return
		}
		pause = min(2*pause, askAgainMost)
	}
}

// ended looks at the container and, if it is over, says how it ended.
func (r *running) ended(ctx context.Context) (bool, error) {
	c, err := r.kind.Engine.Inspect(ctx, r.id)
	if api.CodeOf(err) == api.CodeNotFound {
		r.end(worker.Exit{Error: "The container was removed"})
		return true, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case isUnstarted(c.State.Status) && time.Since(r.followed) > lostAfter:
		r.kind.Engine.Remove(ctx, r.id) //nolint:errcheck // what is left of it
		r.end(worker.Exit{Error: "The engine was killed while it started the container, and does not know what became of it"})
		return true, nil
	case !isOver(c.State.Status):
		return false, nil
	}
	exit := worker.Exit{Code: -1, Known: true, Error: c.State.Error}
	if c.State.ExitCode != nil {
		exit.Code = *c.State.ExitCode
	}
	limit := c.HostConfig.Memory
	switch {
	case c.State.OOMKilled && limit > 0:
		exit.Error = fmt.Sprintf("The container ran out of memory: its memory limit is %d MiB (mem_limit)", limit>>20)
	case c.State.OOMKilled:
		exit.Error = "The container ran out of memory"
	case exit.Code == killed && limit > 0: // not every engine notices who did it
		exit.Error = fmt.Sprintf("The container was killed; its memory limit is %d MiB (mem_limit)", limit>>20)
	}
	r.emit("exited")
	r.end(exit)
	return true, nil
}

func isOver(status string) bool {
	return status == "exited" || status == "dead" || status == "stopped" || status == "removing"
}

// isUnstarted is the status of a container that the engine has not started, as far as it knows.
func isUnstarted(status string) bool { return status == "created" || status == "initialized" }

// copyOutput copies what the container prints, through restarts of the engine.
func (r *running) copyOutput(ctx context.Context, since time.Time) {
	for {
		var err error
		if since, err = r.copyOnce(ctx, since); err == nil || api.CodeOf(err) == api.CodeNotFound || ctx.Err() != nil {
			return
		}
		select {
		case <-r.done:
			return
		case <-ctx.Done():
			return
		case <-time.After(askAgain):
		}
	}
}

func (r *running) copyOnce(ctx context.Context, since time.Time) (time.Time, error) {
	stream, err := r.kind.Engine.Logs(ctx, r.id, since)
	if err != nil {
		return since, err
	}
	defer stream.Close() //nolint:errcheck // it was only read
	return timed.Lines(stream, since, func(line []byte) {
		r.tail.Add(line)
		r.job.Output.Write(line) //nolint:errcheck // a copy nobody reads is no loss
	})
}

const (
	stopGrace = 30 * time.Second
	// ownEnd is how long a Python engine may take to end a cancelled run by itself: it hears
	// of it as the worker does, and runs the flow's hooks.
	ownEnd = 10 * time.Second
)

func (r *running) Cancel(ctx context.Context) (understood bool) {
	if r.options.isPython() && report.Ends(ctx, r.done, ownEnd) {
		return true
	}
	r.Stop(ctx, stopGrace)
	return r.options.isProgram()
}

func (r *running) Stop(ctx context.Context, grace time.Duration) {
	for {
		select {
		case <-r.done:
			return
		default:
		}
		err := r.kind.Engine.Stop(ctx, r.id, grace)
		if api.CodeOf(err) == api.CodeNotFound || err == nil && report.Ends(ctx, r.done, stopGrace) {
			return
		}
		if err == nil {
			r.kind.Engine.Kill(ctx, r.id) //nolint:errcheck // tried again until it is gone
		}
		if report.Pause(ctx, askAgain) != nil {
			return
		}
	}
}

// lastOutput is how long the rest of the output may take after the end.
const lastOutput = 10 * time.Second

// Release removes the container, if the pool wants that, once its output is copied.
func (r *running) Release() {
	select {
	case <-r.done:
	default:
		return // the worker goes, the container stays
	}
	r.awaitOutput()
	if remove, ok := r.job.Config.Rest["auto_remove"].(bool); ok && remove {
		ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
		defer cancel()
		if err := r.kind.Engine.Remove(ctx, r.id); err != nil && api.CodeOf(err) != api.CodeNotFound {
			r.job.Log(report.Warning, fmt.Sprintf("The container %s could not be removed: %v", r.id, err))
		}
	}
}

// awaitOutput waits for the rest of the output, but not for ever.
func (r *running) awaitOutput() {
	over := make(chan struct{})
	go func() {
		r.copied.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(lastOutput):
	}
}

// LastWords are the last lines that it printed.
func (r *running) LastWords() string {
	r.awaitOutput()
	return r.tail.String()
}
