package services

import (
	"context"
	"log/slog"
	"time"

	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// publications brings events that a workspace publishes to those of its account that have
// subscribed to them: at once when events are stored here, and soon when others store them.
type publications struct {
	core   *core.Core
	log    *slog.Logger
	stored *bus.Subscription[core.EventsStored]
}

func newPublications(c *core.Core, log *slog.Logger) *publications {
	return &publications{c, log, bus.Subscribe[core.EventsStored](c.Bus, 1)}
}

func (*publications) Name() string { return "publications" }

func (s *publications) Run(ctx context.Context) error {
	defer s.stored.Close()
	if s.core.MayAct == nil { // without accounts there is one workspace
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		isIdle := true
		err := watched(ctx, s.core, s.Name(), func(ctx context.Context) (err error) {
			isIdle, err = s.turn(ctx)
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.log.Error("service turn failed", "service", s.Name(), "error", err)
			sleep(ctx, breather)
			continue
		}
		s.wait(ctx, isIdle)
	}
	return nil
}

// turn delivers all that there is, and says whether nobody hears anything.
func (s *publications) turn(ctx context.Context) (isIdle bool, err error) {
	publishers, err := s.core.Publishers(ctx)
	if err != nil {
		return true, err
	}
	for _, publisher := range publishers {
		for more := true; more && ctx.Err() == nil; {
			if more, err = s.core.Deliver(ctx, publisher); err != nil {
				return false, err
			}
		}
	}
	return len(publishers) == 0, nil
}

// wait returns when events were stored, and after a while.
func (s *publications) wait(ctx context.Context, isIdle bool) {
	due := time.NewTimer(otherServers)
	defer due.Stop()
	stored, missed := s.stored.C, s.stored.Missed
	if isIdle {
		stored, missed = nil, nil
	}
	select {
	case <-ctx.Done():
	case <-stored:
	case <-missed: // the next turn finds what it tells
	case <-due.C:
	}
}
