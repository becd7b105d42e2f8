package services

import (
	"context"
	"log/slog"
	"time"

	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// leases ends the leases on concurrency slots that have expired, as the next one does.
type leases struct {
	core    *core.Core
	log     *slog.Logger
	granted *bus.Subscription[core.LeaseGranted]
}

// longestNap is how long the service sleeps at most: another server may grant a lease
// without it hearing of that.
const longestNap = 15 * time.Second

func newLeases(c *core.Core, log *slog.Logger) *leases {
	return &leases{c, log, bus.Subscribe[core.LeaseGranted](c.Bus, 1)}
}

func (s *leases) Name() string { return "repossessor" }

func (s *leases) Run(ctx context.Context) error {
	defer s.granted.Close()
	due := time.NewTimer(0)
	defer due.Stop()
	at, a := time.Time{}, attend(s.core)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.granted.Missed: // what it tells is among what the next turn finds
		case granted := <-s.granted.C:
			if !granted.Expires.Before(at) {
				continue
			}
		case <-due.C:
		}
		nap := longestNap
		next, err := s.core.ReapLeases(ctx, a.since())
		switch {
		case err != nil && ctx.Err() == nil:
			a.lost()
			s.log.Error("service turn failed", "service", s.Name(), "error", err)
		case err == nil && next != nil:
			nap = min(nap, max(next.Sub(s.core.Clock()), 0)+time.Millisecond)
		}
		at = s.core.Clock().Add(nap)
		due.Reset(nap)
	}
}
