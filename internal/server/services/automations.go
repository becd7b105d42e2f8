package services

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// automations evaluates triggers and does the actions of automations that fire.
type automations struct {
	triggers *triggers
	actions  *actions
}

func newAutomations(c *core.Core, log *slog.Logger) automations {
	return automations{newTriggers(c, log), newActions(c, log)}
}

// Name is how the reference's settings call both.
func (automations) Name() string { return "triggers" }

func (s automations) Run(ctx context.Context) error {
	var both errgroup.Group
	both.Go(func() error { return s.triggers.run(ctx) })
	both.Go(func() error { return s.actions.run(ctx) })
	return both.Wait()
}

// triggers evaluates the triggers of automations: at once when events are stored here,
// and soon when others store them. Without any automation it passes over events now and
// then, many at a time.
type triggers struct {
	core    *core.Core
	log     *slog.Logger
	stored  *bus.Subscription[core.EventsStored]
	changed *bus.Subscription[core.AutomationsChanged]
}

const (
	// otherServers is how long a service sleeps at most, since it may not hear of what
	// other servers do.
	otherServers = time.Second
	tidyPeriod   = 5 * time.Second
	breather     = time.Second // after an error
)

func newTriggers(c *core.Core, log *slog.Logger) *triggers {
	return &triggers{c, log, bus.Subscribe[core.EventsStored](c.Bus, 1), bus.Subscribe[core.AutomationsChanged](c.Bus, 1)}
}

func (s *triggers) run(ctx context.Context) error {
	defer s.stored.Close()
	defer s.changed.Close()
	evaluators := map[uuid.UUID]*evaluator{}
	for ctx.Err() == nil {
		isIdle, nap := true, otherServers
		err := watched(ctx, s.core, "triggers", func(ctx context.Context) error {
			return s.core.EachWorkspace(ctx, func(ctx context.Context, who core.Caller) error {
				e := evaluators[who.Workspace]
				if e == nil {
					e = &evaluator{Triggers: core.NewTriggers(s.core, who)}
					evaluators[who.Workspace] = e
				}
				next, err := s.turn(ctx, e)
				isIdle, nap = isIdle && e.IsIdle(), min(nap, next)
				return err
			})
		})
		if err != nil && ctx.Err() == nil {
			s.log.Error("service turn failed", "service", "triggers", "error", err)
			sleep(ctx, breather)
			continue
		}
		s.wait(ctx, isIdle, nap)
	}
	return nil
}

// wait returns when there is something to evaluate, and after the nap.
func (s *triggers) wait(ctx context.Context, isIdle bool, nap time.Duration) {
	due := time.NewTimer(nap)
	defer due.Stop()
	stored, missed := s.stored.C, s.stored.Missed
	if isIdle {
		stored, missed = nil, nil
	}
	select {
	case <-ctx.Done():
	case <-stored:
	case <-missed: // the next turn finds what it tells
	case <-s.changed.C:
	case <-s.changed.Missed:
	case <-due.C:
	}
}

// evaluator is that of one workspace.
type evaluator struct {
	*core.Triggers

	tidied time.Time
}

// turn evaluates all that there is in a workspace, and says how long to sleep if nothing
// comes.
func (s *triggers) turn(ctx context.Context, evaluator *evaluator) (time.Duration, error) {
	for more := true; more; {
		var err error
		if more, err = evaluator.Advance(ctx); err != nil {
			return 0, err
		}
	}
	next, err := evaluator.Turn(ctx)
	if err != nil {
		return 0, err
	}
	if now := s.core.Clock(); now.Sub(evaluator.tidied) >= tidyPeriod {
		evaluator.tidied = now
		if err := evaluator.Tidy(ctx); err != nil {
			return 0, err
		}
	}
	return s.until(next), nil
}

func (s *triggers) until(next *api.Time) time.Duration { return until(next, s.core.Clock()) }

// until is how long to sleep before something is due.
func until(next *api.Time, now time.Time) time.Duration {
	if next == nil {
		return otherServers
	}
	return min(max(next.Sub(now), 0)+time.Millisecond, otherServers)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// actions does the actions of automations that have fired.
type actions struct {
	core   *core.Core
	log    *slog.Logger
	queued *bus.Subscription[core.ActionsQueued]
}

// actionsAtOnce bounds the actions that are done at the same time.
const actionsAtOnce = 8

func newActions(c *core.Core, log *slog.Logger) *actions {
	return &actions{c, log, bus.Subscribe[core.ActionsQueued](c.Bus, 1)}
}

func (s *actions) run(ctx context.Context) error {
	defer s.queued.Close()
	var running errgroup.Group
	running.SetLimit(actionsAtOnce)
	for ctx.Err() == nil {
		var next *api.Time
		found := false
		err := s.core.EachWorkspace(ctx, func(ctx context.Context, who core.Caller) error {
			taken, due, err := s.core.TakeActions(ctx, who)
			for i := range taken {
				found = true
				running.Go(func() error { s.perform(ctx, who, &taken[i]); return nil })
			}
			if due != nil && (next == nil || due.Before(next.Time)) {
				next = due
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.log.Error("service turn failed", "service", "actions", "error", err)
			sleep(ctx, breather)
		}
		if found {
			continue
		}
		due := time.NewTimer(until(next, s.core.Clock()))
		select {
		case <-ctx.Done():
		case <-s.queued.C:
		case <-s.queued.Missed:
		case <-due.C:
		}
		due.Stop()
	}
	return running.Wait()
}

func (s *actions) perform(ctx context.Context, who core.Caller, q *core.QueuedAction) {
	if err := s.core.Perform(ctx, who, q); err != nil && ctx.Err() == nil {
		s.log.Error("an action of an automation could not be noted down and will be done again", "invocation", q.ID, "error", err)
	}
}
