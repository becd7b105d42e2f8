package kubernetes

import (
	"context"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/kubernetes"
	"github.com/usherhq/usher/internal/worker/report"
)

// board knows the jobs of flow runs in one namespace and their pods, by two watches for all
// of them, and wakes those who look at one job.
type board struct {
	client    *kubernetes.Client
	namespace string

	mu     sync.Mutex
	synced bool                      // the jobs were listed at least once
	jobs   map[string]kubernetes.Job // by name
	pods   map[string]kubernetes.Pod // by uid
	wake   map[string]chan<- struct{}
}

func newBoard(client *kubernetes.Client, namespace string) *board {
	return &board{
		client: client, namespace: namespace,
		jobs: map[string]kubernetes.Job{}, pods: map[string]kubernetes.Pod{}, wake: map[string]chan<- struct{}{},
	}
}

const (
	watchPause     = 500 * time.Millisecond
	watchPauseMost = 15 * time.Second
	troubleAfter   = 3
)

// run watches until ctx ends.
func (b *board) run(ctx context.Context, warn func(string, ...any)) {
	var both sync.WaitGroup
	both.Go(func() { b.keep(ctx, warn, b.followJobs) })
	both.Go(func() { b.keep(ctx, warn, b.followPods) })
	both.Wait()
}

// keep repeats a list and watch; a watch that ends in order is begun again at once.
func (b *board) keep(ctx context.Context, warn func(string, ...any), follow func(context.Context) error) {
	failures := 0
	for ctx.Err() == nil {
		err := follow(ctx)
		if err == nil || api.CodeOf(err) == api.CodeLocked {
			failures = 0
			err = report.Pause(ctx, watchPause)
		} else {
			failures++
			if failures == troubleAfter && ctx.Err() == nil {
				warn("Jobs in namespace %s can't be watched for the moment; the worker keeps trying. %v", b.namespace, err)
			}
			err = report.Pause(ctx, min(watchPause<<min(failures, 5), watchPauseMost))
		}
		if err != nil {
			return
		}
	}
}

func (b *board) followJobs(ctx context.Context) error {
	list, err := b.client.Jobs(ctx, b.namespace, runLabel)
	if err != nil {
		return err
	}
	b.mu.Lock()
	old := b.jobs
	b.jobs, b.synced = map[string]kubernetes.Job{}, true
	for _, j := range list.Items {
		b.jobs[j.Meta.Name] = j
		b.rouse(j.Meta.Name)
	}
	for name := range old {
		b.rouse(name)
	}
	for name := range b.wake { // those who wait for a job that is gone
		b.rouse(name)
	}
	b.mu.Unlock()
	return b.client.WatchJobs(ctx, b.namespace, runLabel, list.Meta.Version, func(c kubernetes.Change[kubernetes.Job]) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if c.Type == "DELETED" {
			delete(b.jobs, c.Object.Meta.Name)
		} else {
			b.jobs[c.Object.Meta.Name] = c.Object
		}
		b.rouse(c.Object.Meta.Name)
	})
}

func (b *board) followPods(ctx context.Context) error {
	list, err := b.client.Pods(ctx, b.namespace, runLabel)
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.pods = map[string]kubernetes.Pod{}
	for _, p := range list.Items {
		b.pods[p.Meta.UID] = p
		b.rouse(jobOf(p))
	}
	b.mu.Unlock()
	return b.client.WatchPods(ctx, b.namespace, runLabel, list.Meta.Version, func(c kubernetes.Change[kubernetes.Pod]) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if c.Type == "DELETED" {
			delete(b.pods, c.Object.Meta.UID)
		} else {
			b.pods[c.Object.Meta.UID] = c.Object
		}
		b.rouse(jobOf(c.Object))
	})
}

// jobOf is the job that made the pod.
func jobOf(p kubernetes.Pod) string {
	if name := p.Meta.Labels["batch.kubernetes.io/job-name"]; name != "" {
		return name
	}
	return p.Meta.Labels["job-name"]
}

// rouse wakes who looks at the job.
func (b *board) rouse(job string) {
	select {
	case b.wake[job] <- struct{}{}: // a nil channel is never ready
	default:
	}
}

// attend has changes of the job told on the channel.
func (b *board) attend(job string, changed chan<- struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake[job] = changed
	b.rouse(job)
}

func (b *board) leave(job string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.wake, job)
}

// look answers the job, if there is one, and its pods; known is false before the first list.
func (b *board) look(name string) (job kubernetes.Job, exists, known bool, pods []kubernetes.Pod) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job, exists = b.jobs[name]
	for _, p := range b.pods {
		if jobOf(p) == name {
			pods = append(pods, p)
		}
	}
	return job, exists, b.synced, pods
}
