// Package services holds the loops of the control plane: scheduling, lateness, expiry,
// clean-up. Each does its work through core, one use case per turn.
package services

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/server/trace"
)

// Service is a loop that runs until its context ends. An error ends the server.
type Service interface {
	Name() string
	Run(ctx context.Context) error
}

// Options say which services run, and how.
type Options struct {
	Without []string      // names of services that are switched off
	Vacuum  time.Duration // from one removal of what is too old to the next: an hour
}

// All returns the services of a control plane on c.
func All(c *core.Core, log *slog.Logger, o Options) []Service {
	all := append(periodic(c, log, cmp.Or(o.Vacuum, time.Hour)),
		newScheduler(c, log),
		newCancellation(c, log),
		newLeases(c, log),
		&heartbeats{c, log},
		newAutomations(c, log),
		newPublications(c, log),
	)
	return slices.DeleteFunc(all, func(s Service) bool { return slices.Contains(o.Without, s.Name()) })
}

// turn does what is to be done again and again, unless another server is at it.
func turn(ctx context.Context, c *core.Core, name string, do func(context.Context) error) error {
	ran, err := c.Alone(ctx, "service "+name, func() error { return watched(ctx, c, name, do) })
	if !ran && err != nil { // nobody could be asked whether it may run
		c.Meter.Count(meter.Turns, 1, name, "failed")
	}
	return err
}

// watched does a turn of a service and tells how it went.
func watched(ctx context.Context, c *core.Core, name string, do func(context.Context) error) error {
	span := c.Tracer.Start(trace.Internal, "service "+name, "")
	defer span.End()
	err := do(ctx)
	result := "done"
	if err != nil && ctx.Err() == nil {
		result = "failed"
		span.Fail("the turn failed")
	}
	c.Meter.Count(meter.Turns, 1, name, result)
	c.Meter.Set(meter.LastTurn, c.Clock().Unix(), name)
	return err
}

// every is a Service that does one thing again and again, at first after a delay. A turn
// that fails is logged and tried again at the next one.
type every struct {
	name     string
	delay    time.Duration
	interval time.Duration
	turn     func(context.Context) error
	log      *slog.Logger
}

func (e every) Name() string { return e.name }

func (e every) Run(ctx context.Context) error {
	due := time.NewTimer(e.delay)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-due.C:
		}
		due.Reset(e.interval)
		if err := e.turn(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("service turn failed", "service", e.name, "error", err)
		}
	}
}
