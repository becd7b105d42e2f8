package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

//go:embed plantruns.py
var plantRuns string

// backlogs are how many runs wait when a worker asks; growth is measured in ours up to
// the last.
var backlogs = []int{0, 1_000, 10_000, 100_000}

// measurePolls compares what a worker's question for runs costs.
func measurePolls(ctx context.Context, r *rig) ([]result, error) {
	theirs, err := r.theirs.polls(ctx, backlogs[:3])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.theirs.name, err)
	}
	ours, err := r.ours.polls(ctx, backlogs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.ours.name, err)
	}
	var results []result
	for i, n := range backlogs[:3] {
		poll := result{what: fmt.Sprintf("worker poll, %d runs waiting", n), unit: duration, ours: ours[i], theirs: theirs[i]}
		if n != 1_000 { // there it is the 200 runs of the answer that cost, on both sides
			poll.ratio = 100
		}
		results = append(results, poll)
	}
	results = append(results, result{
		what: "worker poll, 1k → 100k waiting", unit: factor, ours: ours[3] / ours[1], limit: new(1.2), alone: true,
	})
	mine, their, err := r.both(func(s *side) (float64, error) { return s.crowdOfPollers(ctx) })
	return append(results, result{what: "50 pollers, CPU per 1,000 polls", unit: duration, ratio: 70, ours: mine, theirs: their}), err
}

func (s *side) polls(ctx context.Context, sizes []int) ([]float64, error) {
	server, err := s.running(ctx)
	if err != nil {
		return nil, err
	}
	c := client{server: server, patient: true}
	pool, deployment, err := c.emptyPool(ctx)
	if err != nil {
		return nil, err
	}
	var costs []float64
	waiting := 0
	for _, n := range sizes {
		if err := s.wait(ctx, c, deployment, n-waiting); err != nil {
			return nil, err
		}
		waiting = n
		if err := s.quiet(ctx); err != nil {
			return nil, err
		}
		rounds := s.rounds() / 10
		poll := func(int) error { return c.poll(ctx, pool) }
		if err := repeat(3, poll); err != nil {
			return nil, err
		}
		cpu, err := s.cpuDuring(ctx, func() error { return repeat(rounds, poll) })
		if err != nil {
			return nil, err
		}
		costs = append(costs, cpu/float64(rounds))
	}
	return costs, nil
}

// quiet waits until the server has done what new runs make it do, such as calling them late.
func (s *side) quiet(ctx context.Context) error {
	const busy, patience = 0.3, 120
	for range patience {
		cpu, err := s.cpuDuring(ctx, func() error { return pause(ctx, time.Second) })
		if err != nil || cpu < busy {
			return err
		}
	}
	return nil
}

func (c client) emptyPool(ctx context.Context) (pool, deployment string, err error) {
	pool = "polled"
	if _, err = c.create(ctx, "/work_pools/", object{"name": pool, "type": "process"}); err != nil {
		return "", "", err
	}
	flow, err := c.create(ctx, "/flows/", object{"name": pool})
	if err != nil {
		return "", "", err
	}
	deployment, err = c.create(ctx, "/deployments/", object{"name": pool, "flow_id": flow, "work_pool_name": pool})
	return pool, deployment, err
}

func (c client) poll(ctx context.Context, pool string) error {
	return c.send(ctx, http.MethodPost, "/work_pools/"+pool+"/get_scheduled_flow_runs",
		object{"limit": 200, "scheduled_before": time.Now().UTC().Format(time.RFC3339Nano)}, nil)
}

// wait makes n more runs wait. The reference would need minutes for it, so its database
// gets copies of one.
func (s *side) wait(ctx context.Context, c client, deployment string, n int) error {
	made := n
	if s.name != "usher" {
		made = min(n, 1)
	}
	run := ""
	if err := together(8, made, func() (err error) {
		id, err := c.create(ctx, "/deployments/"+deployment+"/create_flow_run", object{})
		if made == 1 {
			run = id
		}
		return err
	}); err != nil || made == n {
		return err
	}
	database := filepath.Join(c.server.Home, ".prefect", "prefect.db")
	out, err := exec.CommandContext(ctx, s.python.Python, "-c", plantRuns, database, run, strconv.Itoa(n-made)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copy runs: %w\n%s", err, out)
	}
	return nil
}

// together does an act so many times, several at once.
func together(atOnce, times int, act func() error) error {
	errs := make(chan error, atOnce)
	turns := make(chan struct{}, times)
	for range times {
		turns <- struct{}{}
	}
	close(turns)
	for range atOnce {
		go func() {
			for range turns {
				if err := act(); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var first error
	for range atOnce {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// crowdOfPollers returns the CPU seconds of 1,000 polls by 50 workers, with 500 heartbeats
// and 500 looks at their pool.
func (s *side) crowdOfPollers(ctx context.Context) (float64, error) {
	server, err := s.running(ctx)
	if err != nil {
		return 0, err
	}
	c := client{server: server, patient: true}
	const pool, workers = "crowd", 50
	if _, err := c.create(ctx, "/work_pools/", object{"name": pool, "type": "process"}); err != nil {
		return 0, err
	}
	pairs := s.rounds() / 4 / workers // of polls, each with one heartbeat and one look
	var all sync.WaitGroup
	failed := make([]error, workers)
	cpu, err := s.cpuDuring(ctx, func() error {
		for i := range workers {
			all.Go(func() { failed[i] = repeat(pairs, func(int) error { return c.work(ctx, pool, i) }) })
		}
		all.Wait()
		for _, err := range failed {
			if err != nil {
				return err
			}
		}
		return nil
	})
	return cpu * 500 / float64(pairs*workers), err
}

func (c client) work(ctx context.Context, pool string, worker int) error {
	for range 2 {
		if err := c.poll(ctx, pool); err != nil {
			return err
		}
	}
	beat := object{"name": fmt.Sprint("worker-", worker), "heartbeat_interval_seconds": 30}
	if err := c.send(ctx, http.MethodPost, "/work_pools/"+pool+"/workers/heartbeat", beat, nil); err != nil {
		return err
	}
	return c.send(ctx, http.MethodGet, "/work_pools/"+pool, nil, nil)
}
