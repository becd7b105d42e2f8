package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/kubernetes"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/report"
	"github.com/usherhq/usher/internal/worker/timed"
)

// running is a job that runs or has ended.
type running struct {
	job             *worker.Job
	client          *kubernetes.Client
	board           *board
	namespace, name string
	limits          limits
	isPython        bool
	changed         chan struct{}

	// What follows is touched by watch alone, until done.
	exit                worker.Exit
	began               time.Time
	seen                bool                      // the job was there
	pods                map[string]kubernetes.Pod // all that there ever were, as they were last
	phases              map[string]string         // by uid, as told in events
	last                uuid.UUID                 // the newest event
	told                string                    // the newest diagnosis in the run's log
	since               time.Time                 // when what it says began
	isWaiting, isWaited bool                      // the run's state says that the pod is pending, and why
	copying             map[string]bool           // by uid
	copied              sync.WaitGroup
	tail                timed.Tail

	done chan struct{}
}

func (r *running) Identifier() string { return r.namespace + ":" + r.name }

func (r *running) Done() <-chan struct{} { return r.done }

func (r *running) Exit() worker.Exit { return r.exit }

// follow watches the job until it ends, and copies what its pods print after the time.
func (r *running) follow(ctx context.Context, since time.Time) {
	r.began, r.pods, r.phases, r.copying = time.Now(), map[string]kubernetes.Pod{}, map[string]string{}, map[string]bool{}
	r.board.attend(r.name, r.changed)
	go func() {
		defer r.board.leave(r.name)
		r.watch(ctx, since)
	}()
}

// lookEvery is how often limits of time are looked at without any change.
const lookEvery = time.Second

func (r *running) watch(ctx context.Context, since time.Time) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.changed:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		job, exists, known, pods := r.board.look(r.name)
		for _, p := range pods {
			r.pods[p.Meta.UID] = p
		}
		r.tell(ctx, pods, since)
		exit, over := r.verdict(ctx, job, exists, known, pods)
		if over {
			r.exit = exit
			close(r.done)
			return
		}
	}
}

// tell reports changes of the pods: events, the run's log, the run's state.
func (r *running) tell(ctx context.Context, pods []kubernetes.Pod, since time.Time) {
	for _, p := range pods {
		phase := strings.ToLower(p.Status.Phase)
		d, bad := diagnose(p)
		if p.Status.Phase == "Failed" && bad && d.name == "Evicted" {
			phase = "evicted"
		}
		if phase != "" && r.phases[p.Meta.UID] != phase {
			r.phases[p.Meta.UID] = phase
			resource := api.Resource{
				"prefect.resource.id": "prefect.kubernetes.pod." + p.Meta.UID, "prefect.resource.name": p.Meta.Name, "kubernetes.namespace": p.Meta.Namespace,
			}
			if bad {
				resource["kubernetes.diagnosis"] = d.name
			}
			r.last = r.job.Emit("prefect.kubernetes.pod."+phase, resource, r.last)
		}
		if bad && r.told != d.String() {
			if !strings.HasPrefix(r.told, d.name) {
				r.since = time.Now()
			}
			r.told = d.String()
			r.job.Log(d.level, r.told)
			r.isWaited = false // the state says the newest
		}
		switch p.Status.Phase {
		case "Pending":
			if !r.isWaited {
				again := r.isWaiting
				r.isWaited, r.isWaiting = true, true
				message := "Kubernetes pod is pending."
				if bad {
					message += " " + r.told
				}
				r.job.Waiting(message, again)
			}
		case "Running", "Succeeded", "Failed":
			r.copyOutput(ctx, p, since)
		}
	}
}

// verdict says whether the job is over, and how it ended.
func (r *running) verdict(ctx context.Context, job kubernetes.Job, exists, known bool, pods []kubernetes.Pod) (worker.Exit, bool) {
	switch {
	case exists:
		r.seen = true
	case !known:
		return worker.Exit{}, false
	default:
		_, err := r.client.Job(ctx, r.namespace, r.name)
		if api.CodeOf(err) != api.CodeNotFound {
			return worker.Exit{}, false // the watch is behind, or the cluster is away
		}
		return r.vanished(), true
	}
	for _, c := range job.Status.Conditions {
		if c.Status == "True" && c.Type == "Complete" {
			return worker.Exit{Known: true}, true
		}
		if c.Status == "True" && c.Type == "Failed" {
			return r.failure(c), true
		}
	}
	if job.Meta.DeletionAt != nil {
		return worker.Exit{}, false // it ends when its pods have
	}
	if r.limits.job > 0 && time.Since(r.began) > r.limits.job {
		return r.giveUp(ctx, fmt.Sprintf("The Kubernetes job took longer than job_watch_timeout_seconds (%s)", r.limits.job)), true
	}
	return r.impatient(ctx, job, pods)
}

// impatient gives the run up when its pod waits for something that does not come.
func (r *running) impatient(ctx context.Context, job kubernetes.Job, pods []kubernetes.Pod) (worker.Exit, bool) {
	if len(pods) == 0 && len(r.pods) == 0 && r.limits.pod > 0 && time.Since(r.began) > r.limits.pod {
		cause := fmt.Sprintf("No pod was created for the Kubernetes job within %s (pod_watch_timeout_seconds)", r.limits.pod)
		if told := r.complaint(ctx, job.Meta.UID); told != "" {
			cause += ": " + told
		}
		return r.giveUp(ctx, cause), true
	}
	for _, p := range pods {
		d, bad := diagnose(p)
		if !bad || d.patience == nil || p.Meta.DeletionAt != nil {
			continue
		}
		if most := d.patience(r.limits); most > 0 && time.Since(r.since) > most {
			return r.giveUp(ctx, d.String()), true
		}
	}
	return worker.Exit{}, false
}

// complaint is the newest warning that the cluster noted about the object.
func (r *running) complaint(ctx context.Context, uid string) string {
	events, err := r.client.Events(ctx, r.namespace, uid)
	if err != nil {
		return ""
	}
	slices.SortFunc(events.Items, func(a, b kubernetes.Event) int { return b.LastTime.Compare(a.LastTime) })
	for _, e := range events.Items {
		if e.Type == "Warning" {
			hint := ""
			if strings.Contains(e.Message, "exceeded quota") {
				hint = ". Raise the quota of the namespace, or ask for less"
			}
			return e.Reason + ": " + e.Message + hint
		}
	}
	return ""
}

// giveUp removes a job that comes to nothing.
func (r *running) giveUp(ctx context.Context, cause string) worker.Exit {
	if err := r.client.DeleteJob(ctx, r.namespace, r.name, 0); err != nil && api.CodeOf(err) != api.CodeNotFound {
		r.job.Log(report.Warning, fmt.Sprintf("The Kubernetes job %s could not be deleted: %v", r.name, err))
	}
	return worker.Exit{Error: cause}
}

// vanished is the end of a job that was deleted.
func (r *running) vanished() worker.Exit {
	if exit, ok := r.ofPods(); ok {
		return exit
	}
	return worker.Exit{Error: "The Kubernetes job was deleted"}
}

// failure is the end of a job that failed.
func (r *running) failure(c kubernetes.Condition) worker.Exit {
	if exit, ok := r.ofPods(); ok {
		return exit
	}
	return worker.Exit{Error: "The Kubernetes job failed. " + c.Reason + ": " + c.Message}
}

// ofPods says how the last pod that failed ended.
func (r *running) ofPods() (worker.Exit, bool) {
	var newest *kubernetes.Pod
	for _, p := range r.pods {
		_, bad := diagnose(p)
		if (bad || p.Status.Phase == "Failed") && (newest == nil || p.Meta.Created.After(newest.Meta.Created)) {
			newest = &p
		}
	}
	if newest == nil {
		return worker.Exit{}, false
	}
	cause := ""
	if d, bad := diagnose(*newest); bad {
		cause = d.String()
	}
	for _, c := range newest.Status.Containers {
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 {
			return worker.Exit{Code: t.ExitCode, Known: true, Error: cause}, true
		}
	}
	if cause == "" {
		cause = "The pod failed without an exit code. " + newest.Status.Reason + " " + newest.Status.Message
	}
	return worker.Exit{Error: strings.TrimSpace(cause)}, true
}

// copyOutput copies what the pod's containers print, if the job wants it.
func (r *running) copyOutput(ctx context.Context, p kubernetes.Pod, since time.Time) {
	if stream, ok := r.job.Config.Rest["stream_output"].(bool); ok && !stream || r.copying[p.Meta.UID] || len(p.Spec.Containers) == 0 {
		return
	}
	r.copying[p.Meta.UID] = true
	container := p.Spec.Containers[0].Name
	r.copied.Go(func() {
		for ctx.Err() == nil {
			over := r.isOver() // what is read after the end is all
			var err error
			since, err = r.copyOnce(ctx, p.Meta.Name, container, since)
			if over || api.CodeOf(err) == api.CodeNotFound || api.CodeOf(err) == api.CodeForbidden {
				return
			}
			select { // a node may end the stream before the container ends
			case <-r.done:
			case <-ctx.Done():
			case <-time.After(lookEvery):
			}
		}
	})
}

func (r *running) isOver() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func (r *running) copyOnce(ctx context.Context, pod, container string, since time.Time) (time.Time, error) {
	stream, err := r.client.Logs(ctx, r.namespace, pod, container, since)
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
	// lostAfter is how long behind its grace a pod is taken for one on a lost node.
	lostAfter = 30 * time.Second
)

func (r *running) Cancel(ctx context.Context) (understood bool) {
	if r.isPython && r.hasStarted() && report.Ends(ctx, r.done, ownEnd) {
		return true
	}
	r.Stop(ctx, stopGrace)
	return false
}

// hasStarted says that a pod of the job runs.
func (r *running) hasStarted() bool {
	_, _, _, pods := r.board.look(r.name)
	return slices.ContainsFunc(pods, func(p kubernetes.Pod) bool { return p.Status.Phase == "Running" })
}

// Stop deletes the job and waits until it is gone, with its pods.
func (r *running) Stop(ctx context.Context, grace time.Duration) {
	for patience := grace + lostAfter; ; patience = lostAfter {
		if r.isOver() {
			return
		}
		err := r.client.DeleteJob(ctx, r.namespace, r.name, grace)
		if (err == nil || api.CodeOf(err) == api.CodeNotFound) && report.Ends(ctx, r.done, patience) {
			return
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if report.Pause(ctx, lookEvery) != nil {
				return
			}
			continue
		}
		_, _, _, pods := r.board.look(r.name)
		for _, p := range pods { // nobody on their node says that they are gone
			r.client.DeletePod(ctx, r.namespace, p.Meta.Name, 0) //nolint:errcheck // tried again until it is gone
		}
	}
}

// lastOutput is how long the rest of the output may take after the end.
const lastOutput = 10 * time.Second

// Release waits for the rest of the output. The job stays: its finished_job_ttl ends it.
func (r *running) Release() {
	if !r.isOver() {
		return // the worker goes, the job stays
	}
	r.awaitOutput()
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
