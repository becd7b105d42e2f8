package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// measureCreators counts how many of the requests of concurrent creators are refused, and
// what a run costs our server when eight make them as fast as they can.
func measureCreators(ctx context.Context, r *rig) ([]result, error) {
	var results []result
	for _, n := range []int{8, 32} {
		ours, theirs, err := r.both(func(s *side) (float64, error) {
			failed, err := s.crowd(ctx, n, 160/n, 0)
			return failed.share(), err
		})
		if err != nil {
			return nil, err
		}
		results = append(results, result{
			what: fmt.Sprintf("refused, %d concurrent creators", n), unit: percent, ours: ours, theirs: theirs, limit: new(0.0),
		})
	}
	long, err := r.ours.crowd(ctx, 64, 0, time.Minute)
	if err != nil {
		return nil, err
	}
	fast, err := r.ours.crowd(ctx, 8, 1000, 0)
	return append(results,
		result{what: "refused, 64 concurrent creators for a minute", unit: percent, ours: long.share(), limit: new(0.0), alone: true},
		result{what: "server CPU, create, 8 at once", unit: duration, ours: fast.cpu / float64(fast.made), limit: new(2.0 / 2500), alone: true},
		result{what: "time per create, 8 at once", unit: duration, ours: fast.took.Seconds() / float64(fast.made), alone: true},
	), err
}

// crowding is what came of several creating at once.
type crowding struct {
	made, refused int64
	cpu           float64
	took          time.Duration
}

func (c crowding) share() float64 { return float64(c.refused) / float64(max(1, c.made+c.refused)) }

// crowd lets n clients create runs at once: each so many, or for some time.
func (s *side) crowd(ctx context.Context, n, each int, span time.Duration) (crowding, error) {
	server, err := s.running(ctx)
	if err != nil {
		return crowding{}, err
	}
	c := client{server: server}
	flow, err := client{server: server, patient: true}.create(ctx, "/flows/", object{"name": "crowd"})
	if err != nil {
		return crowding{}, err
	}
	var made, refused atomic.Int64
	began := time.Now()
	cpu, err := s.cpuDuring(ctx, func() error {
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				for i := 0; ctx.Err() == nil && (i < each || time.Since(began) < span); i++ {
					if _, err := c.create(ctx, "/flow_runs/", newRun(flow)); err != nil {
						refused.Add(1)
					} else {
						made.Add(1)
					}
				}
			})
		}
		all.Wait()
		return ctx.Err()
	})
	return crowding{made.Load(), refused.Load(), cpu, time.Since(began)}, err
}
