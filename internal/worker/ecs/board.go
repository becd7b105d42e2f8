package ecs

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/aws"
)

// pollEvery is how often AWS is asked how the tasks are, a hundred of them at a time.
const pollEvery = 5 * time.Second

// board asks how the tasks of a cluster are, for all runs together.
type board struct {
	client  *aws.Client
	cluster string

	mu       sync.Mutex
	attended map[string]watcher
	tasks    map[string]seen
	more     chan struct{} // somebody is attended
}

type watcher struct {
	changed chan struct{}
	every   time.Duration
}

// seen is how a task was last.
type seen struct {
	task aws.Task
	gone bool // AWS does not know it
}

func newBoard(client *aws.Client, cluster string) *board {
	return &board{client: client, cluster: cluster, attended: map[string]watcher{}, tasks: map[string]seen{}, more: make(chan struct{}, 1)}
}

func (b *board) attend(arn string, w watcher) {
	b.mu.Lock()
	b.attended[arn] = w
	b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
}

func (b *board) leave(arn string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.attended, arn)
	delete(b.tasks, arn)
}

func (b *board) look(arn string) (seen, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.tasks[arn]
	return s, ok
}

func (b *board) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := b.poll(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-b.more:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// idle is how long nobody is asked about when nobody is attended; who comes ends it.
const idle = time.Hour

// poll asks once and says how long to wait until the next time.
func (b *board) poll(ctx context.Context) time.Duration {
	b.mu.Lock()
	arns, wait := slices.Sorted(maps.Keys(b.attended)), idle
	for _, w := range b.attended {
		wait = min(wait, w.every)
	}
	b.mu.Unlock()
	for page := range slices.Chunk(arns, aws.MostTasks) {
		tasks, missing, err := b.client.Tasks(ctx, b.cluster, page)
		if err != nil {
			continue // asked again; a task does not end because AWS does not answer
		}
		for _, t := range tasks {
			b.note(t.ARN, seen{task: t})
		}
		for _, m := range missing {
			if m.Reason == "MISSING" {
				b.note(m.ARN, seen{gone: true})
			}
		}
	}
	return wait
}

func (b *board) note(arn string, s seen) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w, ok := b.attended[arn]
	if !ok {
		return
	}
	b.tasks[arn] = s
	select {
	case w.changed <- struct{}{}:
	default:
	}
}
