package services

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// scheduler makes the runs of schedules: at once when a deployment changes, and every
// minute for deployments whose runs run out.
type scheduler struct {
	core    *core.Core
	log     *slog.Logger
	changes *bus.Subscription[core.DeploymentChanged]
}

// The scheduler's buffer of changes, and its period.
const (
	changeBuffer    = 1024
	schedulerPeriod = time.Minute
)

func newScheduler(c *core.Core, log *slog.Logger) *scheduler {
	return &scheduler{core: c, log: log, changes: bus.Subscribe[core.DeploymentChanged](c.Bus, changeBuffer)}
}

func (s *scheduler) Name() string { return "scheduler" }

func (s *scheduler) Run(ctx context.Context) error {
	defer s.changes.Close()
	ticker := time.NewTicker(schedulerPeriod)
	defer ticker.Stop()
	s.report(ctx, s.hungry(ctx))
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-s.changes.C:
			s.report(ctx, s.changed(ctx, first))
		case <-s.changes.Missed:
			s.report(ctx, s.hungry(ctx))
		case <-ticker.C:
			s.report(ctx, s.hungry(ctx))
		}
	}
}

// hungry schedules the deployments whose runs run out.
func (s *scheduler) hungry(ctx context.Context) error {
	return turn(ctx, s.core, s.Name(), func(ctx context.Context) error { return s.core.EachWorkspace(ctx, s.core.ScheduleHungry) })
}

// changed schedules the deployment that changed, with those that did in the meantime.
func (s *scheduler) changed(ctx context.Context, first core.DeploymentChanged) error {
	changed := map[uuid.UUID]map[uuid.UUID]bool{}
	note := func(m core.DeploymentChanged) {
		if changed[m.Workspace] == nil {
			changed[m.Workspace] = map[uuid.UUID]bool{}
		}
		changed[m.Workspace][m.DeploymentID] = true
	}
	note(first)
	for more := true; more; {
		select {
		case next := <-s.changes.C:
			note(next)
		default:
			more = false
		}
	}
	return watched(ctx, s.core, s.Name(), func(ctx context.Context) error {
		var failed []error
		for workspace, ids := range changed {
			list := slices.Collect(maps.Keys(ids))
			failed = append(failed, s.core.ScheduleDeployments(ctx, core.Caller{Workspace: workspace}, list, s.core.UsualHorizon()))
		}
		return errors.Join(failed...)
	})
}

func (s *scheduler) report(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.log.Error("service turn failed", "service", s.Name(), "error", err)
	}
}
