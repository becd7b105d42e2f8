package services

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// cancellation ends what cancelled and crashed runs have started: at once, and every 20
// seconds what was missed. It also ends cancellations that take too long.
type cancellation struct {
	core  *core.Core
	log   *slog.Logger
	ended *bus.Subscription[core.RunBrokenOff]
	after time.Time // the children of runs that ended before are looked after
	whole time.Time // when the last of the wide looks back began
}

// The periods of the service: what another server told of an end is found soon, what a
// run started after its end within the hour.
const (
	endedBuffer        = 4096
	cancellationPeriod = 20 * time.Second
	overlap            = 5 * time.Minute
	wholePeriod        = time.Hour
	lookBack           = 24 * time.Hour
)

func newCancellation(c *core.Core, log *slog.Logger) *cancellation {
	return &cancellation{core: c, log: log, ended: bus.Subscribe[core.RunBrokenOff](c.Bus, endedBuffer)}
}

func (s *cancellation) Name() string { return "cancellation-cleanup" }

func (s *cancellation) Run(ctx context.Context) error {
	defer s.ended.Close()
	ticker := time.NewTicker(cancellationPeriod)
	defer ticker.Stop()
	for {
		err := error(nil)
		select {
		case <-ctx.Done():
			return nil
		case run := <-s.ended.C:
			err = s.core.EndChildrenOf(ctx, core.Caller{Workspace: run.Workspace}, run.FlowRunID, run.Type)
		case <-s.ended.Missed:
			err = turn(ctx, s.core, s.Name(), s.lookBack)
		case <-ticker.C:
			err = turn(ctx, s.core, s.Name(), func(ctx context.Context) error {
				return errors.Join(s.lookBack(ctx), s.core.EachWorkspace(ctx, s.core.EndCancellations))
			})
		}
		if err != nil && ctx.Err() == nil {
			s.log.Error("service turn failed", "service", s.Name(), "error", err)
		}
	}
}

// lookBack looks after the children of the runs that ended since it did so last, and
// once an hour of those of a whole day.
func (s *cancellation) lookBack(ctx context.Context) error {
	now := s.core.Clock()
	after := s.after
	if now.Sub(s.whole) >= wholePeriod {
		after = now.Add(-lookBack)
	}
	err := s.core.EachWorkspace(ctx, func(ctx context.Context, who core.Caller) error { return s.core.EndChildren(ctx, who, after) })
	if err != nil {
		return err
	}
	if now.Sub(s.whole) >= wholePeriod {
		s.whole = now
	}
	s.after = now.Add(-overlap)
	return nil
}
