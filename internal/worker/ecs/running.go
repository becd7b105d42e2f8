package ecs

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/aws"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/report"
)

// running is a task that runs or has ended.
type running struct {
	job          *worker.Job
	client       *aws.Client
	board        *board
	cluster, arn string
	container    string  // that the flow runs in; "" is the first
	logs         logging // where it prints to
	definition   string  // to be deregistered at the end
	changed      chan struct{}

	mu     sync.Mutex
	status string // as told in events

	last    uuid.UUID // the newest event
	waiting bool
	exit    worker.Exit
	done    chan struct{}
}

// logging is a stream of CloudWatch's logs; the stream's name ends with the task's id.
type logging struct{ region, group, prefix string }

// logsOf says where a container of the definition prints to.
func logsOf(definition map[string]any, container, region string) logging {
	for _, c := range objects(definition["containerDefinitions"]) {
		configuration, _ := c["logConfiguration"].(map[string]any)
		options, _ := configuration["options"].(map[string]any)
		if c["name"] == container && configuration["logDriver"] == "awslogs" {
			l := logging{textOf(options, "awslogs-region"), textOf(options, "awslogs-group"), textOf(options, "awslogs-stream-prefix")}
			if l.region == "" {
				l.region = region
			}
			return l
		}
	}
	return logging{}
}

// Identifier is cluster::task, since ARNs have colons of their own.
func (r *running) Identifier() string { return r.cluster + "::" + r.arn }

func (r *running) Done() <-chan struct{} { return r.done }

func (r *running) Exit() worker.Exit { return r.exit }

// follow watches the task until it ends.
func (r *running) follow(ctx context.Context) {
	every := pollEvery
	if seconds, ok := number(r.job.Config.Rest["task_watch_poll_interval"]); ok {
		every = seconds
	}
	r.board.attend(r.arn, watcher{r.changed, every})
	go func() {
		defer r.board.leave(r.arn)
		r.watch(ctx)
	}()
}

// number reads seconds; 0 says nothing.
func number(value any) (time.Duration, bool) {
	var seconds float64
	switch v := value.(type) {
	case int64:
		seconds = float64(v)
	case api.Float:
		seconds = float64(v)
	}
	return time.Duration(seconds * float64(time.Second)), seconds > 0
}

func (r *running) watch(ctx context.Context) {
	most, bounded := number(r.job.Config.Rest["task_start_timeout_seconds"])
	var late <-chan time.Time
	if bounded {
		timer := time.NewTimer(most)
		defer timer.Stop()
		late = timer.C
	}
	for {
		select {
		case <-r.changed:
		case <-late:
			if r.hasStarted() {
				continue
			}
			r.client.StopTask(ctx, r.cluster, r.arn, "It did not start in time") //nolint:errcheck // the run is over either way
			r.end(ctx, worker.Exit{Error: fmt.Sprintf("The ECS task did not start within %s (task_start_timeout_seconds)", most)})
			return
		case <-ctx.Done():
			return
		}
		found, ok := r.board.look(r.arn)
		switch {
		case !ok:
		case found.gone:
			r.end(ctx, worker.Exit{Error: "The ECS task is gone, and AWS does not say how it ended"})
			return
		default:
			r.tell(found.task)
			if found.task.Status == "STOPPED" {
				r.end(ctx, exitOf(found.task, r.container))
				return
			}
		}
	}
}

// tell reports changes of the task: events, the run's state.
func (r *running) tell(task aws.Task) {
	r.mu.Lock()
	told := r.status
	r.status = task.Status
	r.mu.Unlock()
	if task.Status == told {
		return
	}
	resource := api.Resource{"prefect.resource.id": "prefect.ecs.task." + r.arn[strings.LastIndexByte(r.arn, '/')+1:], "prefect.resource.name": r.arn, "ecs.taskArn": r.arn}
	r.last = r.job.Emit("prefect.ecs.task."+strings.ToLower(task.Status), resource, r.last)
	switch task.Status {
	case "PROVISIONING", "PENDING", "ACTIVATING":
		r.job.Waiting("The ECS task is "+strings.ToLower(task.Status)+".", r.waiting)
		r.waiting = true
	}
}

func (r *running) hasStarted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.status {
	case "", "PROVISIONING", "PENDING", "ACTIVATING":
		return false
	}
	return true
}

func (r *running) end(ctx context.Context, exit worker.Exit) {
	if r.definition != "" {
		if err := r.client.DeregisterTaskDefinition(ctx, r.definition); err != nil {
			r.job.Log(report.Warning, fmt.Sprintf("The task definition %s stays active: %v", r.definition, err))
		}
	}
	r.exit = exit
	close(r.done)
}

// exitOf says how a task ended: by its flow's container, else by what AWS says of it.
func exitOf(task aws.Task, container string) worker.Exit {
	cause := strings.TrimSuffix(strings.TrimSpace(task.StoppedReason), ".")
	var flow *aws.Container
	for i, c := range task.Containers {
		if c.Name == container || container == "" && i == 0 {
			flow = &task.Containers[i]
		}
	}
	if flow != nil && flow.Reason != "" {
		cause = strings.TrimSuffix(strings.TrimSpace(flow.Reason), ".")
	}
	if flow == nil || flow.ExitCode == nil {
		if cause == "" {
			cause = "The ECS task stopped without an exit code"
		}
		return worker.Exit{Error: "The ECS task stopped: " + cause + hint(cause, task.StopCode)}
	}
	if *flow.ExitCode == 0 {
		return worker.Exit{Known: true}
	}
	if cause == "" || strings.Contains(cause, "Essential container in task exited") {
		return worker.Exit{Code: *flow.ExitCode, Known: true}
	}
	return worker.Exit{Code: *flow.ExitCode, Known: true, Error: cause + hint(cause, task.StopCode)}
}

// hint says what to do about a cause.
func hint(cause, code string) string {
	text := strings.ToLower(cause)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("outofmemory"):
		return ". Give the task more memory (job variable memory)"
	case has("cannotpull") && has("denied", "unauthorized", "forbidden", "no basic auth"):
		return ". The registry denied access; give the execution role the right to pull, or the container repositoryCredentials"
	case has("cannotpull") && has("not found", "manifest unknown"):
		return ". The registry has no such image or tag"
	case has("cannotpull"):
		return ". Check the name of the image, and that the task's subnets reach the registry"
	case has("resourceinitialization"):
		return ". Check that the task's subnets and execution role reach secrets, logs and the registry"
	case has("cannotstartcontainer") && has("no such file", "not found"):
		return ". The command was not found in the image; correct the command, or the image"
	case code == "SpotInterruption":
		return ". AWS took the spot capacity back; run it again, or use launch type FARGATE"
	case code == "TerminationNotice" || has("host ec2"):
		return ". The machine that it ran on is gone; run it again"
	case code == "UserInitiated":
		return ". Somebody stopped it"
	}
	return ""
}

const (
	stopGrace = 30 * time.Second
	// ownEnd is how long a Python engine may take to end a cancelled run by itself: it hears
	// of it as the worker does, and runs the flow's hooks.
	ownEnd = 10 * time.Second
	// stopAgain is how long a task may take to stop before it is asked again.
	stopAgain = 30 * time.Second
)

func (r *running) isPython() bool {
	return r.job.Config.Command == "" || strings.HasPrefix(r.job.Config.Command, "prefect flow-run")
}

// Cancel stops the task, once its engine had the time to end the run itself.
func (r *running) Cancel(ctx context.Context) (understood bool) {
	if r.isPython() && r.hasStarted() && report.Ends(ctx, r.done, ownEnd) {
		return true
	}
	r.Stop(ctx, stopGrace)
	return false
}

// Stop stops the task and waits for its end. How long its containers may take is theirs to say
// (stopTimeout).
func (r *running) Stop(ctx context.Context, grace time.Duration) {
	for wait := grace + stopAgain; ; wait = stopAgain {
		err := r.client.StopTask(ctx, r.cluster, r.arn, "Stopped by Prefect worker")
		if err != nil && ctx.Err() == nil && !isGone(err) {
			r.job.Log(report.Warning, fmt.Sprintf("The ECS task could not be stopped, which is tried again: %v%s", err, permission(err, "ecs:StopTask")))
		}
		if report.Ends(ctx, r.done, wait) || ctx.Err() != nil || isGone(err) {
			return
		}
	}
}

// isGone says that AWS has no such task any more.
func isGone(err error) bool {
	return aws.Is(err, "InvalidParameterException") && strings.Contains(strings.ToLower(err.Error()), "not found")
}

// Release leaves the task to AWS, which forgets it after an hour.
func (r *running) Release() {}

// lastLines is how much of the log is quoted when the run could not tell its end itself.
const lastLines = 50

// LastWords are the last lines in CloudWatch's log, if the task has one.
func (r *running) LastWords() string {
	if r.logs.group == "" || r.logs.prefix == "" {
		return ""
	}
	stream := strings.Join([]string{r.logs.prefix, r.container, r.arn[strings.LastIndexByte(r.arn, '/')+1:]}, "/")
	lines, err := r.client.LogLines(context.Background(), r.logs.region, r.logs.group, stream, lastLines)
	if err != nil {
		return ""
	}
	return strings.Join(lines, "\n")
}
