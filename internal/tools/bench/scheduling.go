package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// runsAhead is how many runs an hourly schedule has ahead.
const runsAhead = 3

// measureScheduling compares what it costs to make deployments with a schedule, their runs
// included, and times how soon a thousand of them have their runs.
func measureScheduling(ctx context.Context, r *rig) ([]result, error) {
	theirs, _, err := r.theirs.schedule(ctx, 30)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.theirs.name, err)
	}
	ours, took, err := r.ours.schedule(ctx, 1000)
	return []result{
		{what: "server CPU, deployment with its runs, per run", unit: duration, ratio: 40, ours: ours, theirs: theirs},
		{what: "1,000 deployments scheduled after the last", unit: duration, ours: took.Seconds(), limit: new(3.0), alone: true},
	}, err
}

// schedule makes n deployments and waits for their runs. It returns the CPU per run and
// the time from the last deployment to the last run.
func (s *side) schedule(ctx context.Context, n int) (cpu float64, took time.Duration, err error) {
	server, err := s.running(ctx)
	if err != nil {
		return 0, 0, err
	}
	c := client{server: server, patient: true}
	flow, err := c.create(ctx, "/flows/", object{"name": "scheduled"})
	if err != nil {
		return 0, 0, err
	}
	used, err := s.cpuDuring(ctx, func() error {
		err := repeat(n, func(i int) error {
			_, err := c.create(ctx, "/deployments/", object{
				"name": fmt.Sprint("hourly-", i), "flow_id": flow,
				"schedules": []object{{"schedule": object{"cron": "0 * * * *"}}},
			})
			return err
		})
		if err != nil {
			return err
		}
		last := time.Now()
		err = c.scheduled(ctx, flow, n*runsAhead)
		took = time.Since(last)
		return err
	})
	return used / float64(n*runsAhead), took, err
}

// scheduled waits until the flow has so many scheduled runs.
func (c client) scheduled(ctx context.Context, flow string, want int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 5*time.Minute, errors.New("the runs are not all scheduled"))
	defer cancel()
	for {
		var n int
		err := c.send(ctx, http.MethodPost, "/flow_runs/count", object{"flows": object{"id": object{"any_": []string{flow}}}}, &n)
		if err != nil || n >= want {
			return err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}
