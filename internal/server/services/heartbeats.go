package services

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/usherhq/usher/internal/server/core"
)

// heartbeats ends runs whose process has gone silent, and gives back those whose worker
// has before it started them.
type heartbeats struct {
	core *core.Core
	log  *slog.Logger
}

const heartbeatPeriod = 5 * time.Second

func (s *heartbeats) Name() string { return "heartbeats" }

func (s *heartbeats) Run(ctx context.Context) error {
	ticker := time.NewTicker(heartbeatPeriod)
	defer ticker.Stop()
	a := attend(s.core)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		listening := a.since()
		err := turn(ctx, s.core, s.Name(), func(ctx context.Context) error {
			return s.core.EachWorkspace(ctx, func(ctx context.Context, who core.Caller) error {
				return errors.Join(s.core.EndSilentRuns(ctx, who, listening), s.core.ReleaseClaims(ctx, who, listening))
			})
		})
		if err != nil && ctx.Err() == nil {
			a.lost()
			s.log.Error("service turn failed", "service", s.Name(), "error", err)
		}
	}
}
