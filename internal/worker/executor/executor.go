// Package executor works on the pools that have no worker of their own: push pools, whose
// jobs are started at a provider, and managed pools, whose runs execute on infrastructure
// that the operator attaches. It takes no part in what the pools' users may configure there:
// of their templates it heeds only what confines nobody else.
package executor

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/worker"
)

// The types of pools that an executor works on.
const (
	ECSPush      = "ecs:push"
	ManagedPools = "prefect:managed"
)

// Space is a workspace whose pools are worked on.
type Space struct {
	Name   string // account/workspace; "" on a server without accounts
	Client *client.Client
}

// Executor runs one worker for each pool that it is told of, in every workspace that it is let
// into, and notices pools that come and go.
type Executor struct {
	// Spaces lists the workspaces.
	Spaces func(ctx context.Context) ([]Space, error)
	// Pools lists the pools of a workspace that are to be worked on.
	Pools func(ctx context.Context, space Space) ([]api.WorkPoolResponse, error)
	// Worker makes the worker of a pool.
	Worker func(ctx context.Context, space Space, pool api.WorkPoolResponse) (*worker.Worker, error)
	// Every is how often pools are looked for.
	Every time.Duration
	Warn  func(format string, args ...any)

	mu      sync.Mutex
	working map[uuid.UUID]*member // by pool
	stops   int
	over    sync.WaitGroup
}

type member struct {
	worker *worker.Worker
	space  string
	pool   string
}

// Run works until Stop, or until ctx ends, which leaves the runs to the next executor.
func (e *Executor) Run(ctx context.Context) error {
	e.working = map[uuid.UUID]*member{}
	defer e.over.Wait()
	ticker := time.NewTicker(e.Every)
	defer ticker.Stop()
	for first := true; ; first = false {
		if err := e.look(ctx); err != nil && ctx.Err() == nil {
			if first && api.CodeOf(err) != api.CodeUnavailable {
				return err
			}
			e.Warn("The pools can't be read: %v", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if e.stopped() {
			return nil
		}
	}
}

// Stop makes every worker stop, as worker.Worker.Stop does.
func (e *Executor) Stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stops++
	for m := range maps.Values(e.working) {
		m.worker.Stop()
	}
}

func (e *Executor) stopped() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stops > 0
}

// look starts the workers of new pools and stops those of pools that are gone.
func (e *Executor) look(ctx context.Context) error {
	spaces, err := e.Spaces(ctx)
	if err != nil {
		return err
	}
	var problems []error
	seen := map[uuid.UUID]bool{}
	for _, space := range spaces {
		pools, err := e.Pools(ctx, space)
		if err != nil {
			problems = append(problems, err)
			e.keep(space.Name, seen) // what can't be read is not gone
			continue
		}
		for _, pool := range pools {
			seen[pool.ID] = true
			if err := e.begin(ctx, space, pool); err != nil {
				problems = append(problems, err)
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, m := range e.working {
		if !seen[id] {
			m.worker.Stop()
		}
	}
	return errors.Join(problems...)
}

// keep marks the pools of a workspace as seen.
func (e *Executor) keep(space string, seen map[uuid.UUID]bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, m := range e.working {
		if m.space == space {
			seen[id] = true
		}
	}
}

// begin starts the worker of a pool unless it works.
func (e *Executor) begin(ctx context.Context, space Space, pool api.WorkPoolResponse) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.working[pool.ID] != nil || e.stops > 0 {
		return nil
	}
	w, err := e.Worker(ctx, space, pool)
	if err != nil {
		return err
	}
	e.working[pool.ID] = &member{worker: w, space: space.Name, pool: pool.Name}
	e.over.Go(func() {
		if err := w.Run(ctx); err != nil && ctx.Err() == nil {
			e.Warn("The work pool %s is not worked on for the moment: %v", pool.Name, err)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.working, pool.ID)
	})
	return nil
}

// Working lists the names of the pools that are worked on, with their workspaces'.
func (e *Executor) Working() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := []string{}
	for m := range maps.Values(e.working) {
		name := m.pool
		if m.space != "" {
			name = m.space + ": " + name
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
