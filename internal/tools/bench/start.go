package main

import (
	"context"
	"os"
	"time"
)

// idleWindow is long enough for the loops of both servers to come round.
const idleWindow = 30 * time.Second

// measureStart times the way from nothing, database included, to a healthy
// answer. The last server of each side goes on for the other groups.
func measureStart(ctx context.Context, r *rig) ([]result, error) {
	var results []result
	ours, theirs, err := r.both(func(s *side) (float64, error) { return s.timeStart(ctx) })
	if err != nil {
		return nil, err
	}
	results = append(results, result{
		what: "server start to healthy, fresh database", unit: duration, ours: ours, theirs: theirs, ratio: 45,
	})
	ours, theirs, err = r.both(func(s *side) (float64, error) {
		used, err := s.usage(ctx)
		return used.memory, err
	})
	return append(results, result{
		what: "memory after start", unit: mebibytes, ours: ours, theirs: theirs, ratio: 5,
	}), err
}

func (s *side) timeStart(ctx context.Context) (float64, error) {
	const starts = 3
	var took []float64
	for range starts {
		if s.server != nil {
			s.server.Stop()
		}
		home, err := s.home()
		if err != nil {
			return 0, err
		}
		began := time.Now()
		if s.server, err = s.launch(ctx, home); err != nil {
			s.server = nil
			return 0, err
		}
		took = append(took, time.Since(began).Seconds())
	}
	return median(took), pause(ctx, settle)
}

// calm is how long after the load both sides are asked what memory they still have.
const calm = 5 * time.Second

// measureSize is last: it asks what memory the load has left, and for the size of what is
// installed.
func measureSize(ctx context.Context, r *rig) ([]result, error) {
	if err := pause(ctx, calm); err != nil {
		return nil, err
	}
	ours, theirs, err := r.both(func(s *side) (float64, error) {
		used, err := s.usage(ctx)
		return used.memory, err
	})
	if err != nil {
		return nil, err
	}
	binary, err := os.Stat(r.ours.cli)
	if err != nil {
		return nil, err
	}
	return []result{
		{what: "memory after load", unit: mebibytes, ours: ours, theirs: theirs, ratio: 5},
		{what: "size of the binary", unit: mebibytes, ours: float64(binary.Size()), limit: new(45.0 * (1 << 20)), alone: true},
	}, nil
}

func measureIdle(ctx context.Context, r *rig) ([]result, error) {
	ours, theirs, err := r.both(func(s *side) (float64, error) {
		return s.cpuDuring(ctx, func() error { return pause(ctx, idleWindow) })
	})
	return []result{{
		what: "CPU at rest, share of a core", unit: percent, limit: new(0.003),
		ours: ours / idleWindow.Seconds(), theirs: theirs / idleWindow.Seconds(),
	}}, err
}

func (s *side) usage(ctx context.Context) (usage, error) {
	server, err := s.running(ctx)
	if err != nil {
		return usage{}, err
	}
	return usageOf(server.PID())
}

// cpuDuring returns the CPU seconds that the side's server uses while act runs.
func (s *side) cpuDuring(ctx context.Context, act func() error) (float64, error) {
	before, err := s.usage(ctx)
	if err != nil {
		return 0, err
	}
	if err := act(); err != nil {
		return 0, err
	}
	after, err := s.usage(ctx)
	return after.cpu - before.cpu, err
}
