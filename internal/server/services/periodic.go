package services

import (
	"context"
	"log/slog"
	"time"

	"github.com/usherhq/usher/internal/server/core"
)

// The loops that look at the clock: late runs, pauses that are over, who has not been
// heard of, secrets with an old key, and what is too old. vacuumed is the period of the last.
func periodic(c *core.Core, log *slog.Logger, vacuumed time.Duration) []Service {
	loop := func(name string, delay, interval time.Duration, do func(context.Context, core.Caller) error) Service {
		return every{name, delay, interval, func(ctx context.Context) error {
			return turn(ctx, c, name, func(ctx context.Context) error { return c.EachWorkspace(ctx, do) })
		}, log}
	}
	return []Service{
		loop("late-runs", 0, 5*time.Second, c.MarkLateRuns),
		loop("pause-expirations", 0, 5*time.Second, c.ExpirePauses),
		loop("foreman", 0, 15*time.Second, c.CheckPresence),
		loop("run-tokens", 0, 15*time.Second, c.SweepRunTokens),
		loop("resealing", 10*time.Second, time.Minute, c.Reseal),
		loop("metrics", 5*time.Second, 10*time.Second, c.Measure),
		loop("db-vacuum", min(vacuumed, time.Minute), vacuumed, c.Vacuum),
	}
}
