package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/testkit"
)

// decades are the numbers of runs that growth is measured between.
var decades = []int{10_000, 100_000, 1_000_000}

// The bars of growth: CPU of one request at a million runs, and how much more of it ten
// times the runs may take. Of requests that cost next to nothing the clock tells little.
const (
	growthLimit   = 0.050
	growthFactor  = 1.3
	growthTrivial = 0.0005
)

// grown is a request whose cost is compared between sizes. scan marks those that have to
// look at as many runs as there are in a window, whatever index they use.
type grown struct {
	what, method, path string
	body               func(i int) any
	scan               bool
}

func always(body any) func(int) any { return func(int) any { return body } }

func grownRequests(now time.Time) []grown {
	day := object{"after_": now.Add(-24 * time.Hour).Format(time.RFC3339), "before_": now.Format(time.RFC3339)}
	states := func(types ...string) object { return object{"state": object{"type": object{"any_": types}}} }
	list := func(runs object, sort string) func(int) any {
		return always(object{"flow_runs": runs, "limit": 200, "sort": sort})
	}
	history := object{"history_start": day["after_"], "history_end": day["before_"], "history_interval_seconds": 3600}
	tagged := func(tag string) object { return object{"tags": object{"all_": []string{tag}}} }
	deployment := object{"id": object{"any_": []uuid.UUID{seedID(ofDeployment, 7)}}}
	return []grown{
		{what: "read", method: http.MethodGet, path: "/flow_runs/" + seedID(ofRun, 77).String(), body: always(nil)},
		{what: "page of 200, newest", path: "/flow_runs/filter", body: list(object{}, "START_TIME_DESC")},
		{what: "page by state, START_TIME_ASC", path: "/flow_runs/filter", body: list(states("COMPLETED"), "START_TIME_ASC")},
		{what: "page by states, START_TIME_DESC", path: "/flow_runs/filter", body: list(states("RUNNING", "PENDING", "SCHEDULED"), "START_TIME_DESC")},
		{what: "page of a day, coalesced start", path: "/flow_runs/filter", body: list(object{"expected_start_time": day}, "START_TIME_DESC"), scan: true},
		{what: "page by expected start", path: "/flow_runs/filter", body: list(object{}, "EXPECTED_START_TIME_DESC")},
		{what: "page by end", path: "/flow_runs/filter", body: list(object{}, "END_TIME_DESC")},
		{what: "page by rare tag", path: "/flow_runs/filter", body: list(tagged("rare"), "START_TIME_DESC")},
		{what: "page by common tag", path: "/flow_runs/filter", body: list(tagged("bench"), "START_TIME_DESC")},
		{what: "page of a deployment", path: "/flow_runs/filter", body: always(object{"deployments": deployment, "limit": 200, "sort": "START_TIME_DESC"})},
		{what: "paginate a deployment", path: "/flow_runs/paginate", body: always(object{"deployments": deployment, "limit": 10}), scan: true},
		{what: "paginate", path: "/flow_runs/paginate", body: always(object{"limit": 10})},
		{what: "count all", path: "/flow_runs/count", body: always(object{})},
		{what: "count by state", path: "/flow_runs/count", body: always(object{"flow_runs": states("COMPLETED", "FAILED")})},
		{what: "count a day", path: "/flow_runs/count", body: always(object{"flow_runs": object{"expected_start_time": day}}), scan: true},
		{what: "count by rare tag", path: "/flow_runs/count", body: always(object{"flow_runs": tagged("rare")}), scan: true},
		{what: "history of a day", path: "/flow_runs/history", body: always(history), scan: true},
		{what: "dashboard history", path: "/ui/flow_runs/history", body: always(object{"sort": "EXPECTED_START_TIME_DESC", "limit": 200, "offset": 0, "flow_runs": object{"expected_start_time": day}})},
		{what: "dashboard next runs", path: "/ui/flows/next-runs", body: always(object{"flow_ids": []uuid.UUID{seedID(ofFlow, 1), seedID(ofFlow, 2)}})},
		{what: "dashboard task runs of runs", path: "/ui/flow_runs/count-task-runs", body: always(object{"flow_run_ids": []uuid.UUID{seedID(ofRun, 1), seedID(ofRun, 2)}})},
		{what: "lateness of late runs", path: "/flow_runs/lateness", body: always(object{"flow_runs": states("SCHEDULED")})},
		{what: "lateness of a day", path: "/flow_runs/lateness", body: always(object{"flow_runs": object{"expected_start_time": day}}), scan: true},
		{what: "create", path: "/flow_runs/", body: always(newRun(seedID(ofFlow, 1).String()))},
		{what: "set state", path: "/flow_runs/" + seedID(ofRun, 9_998).String() + "/set_state", body: func(i int) any {
			return object{"state": object{"type": []string{"RUNNING", "PENDING"}[i%2]}, "force": true}
		}},
	}
}

// measureGrowth seeds databases of growing size and compares what our server needs.
func measureGrowth(ctx context.Context, r *rig) ([]result, error) {
	costs := make([][]float64, len(decades))
	for i, n := range decades {
		cost, err := r.ours.costsAt(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("%d runs: %w", n, err)
		}
		costs[i] = cost
	}
	var results []result
	for i, g := range grownRequests(time.Now()) {
		last := len(decades) - 1
		results = append(results, result{
			what: g.what + ", 1M runs", unit: duration, ours: costs[last][i], limit: new(growthLimit), alone: true,
		})
		if g.scan {
			continue
		}
		for d := 1; d <= last; d++ {
			before, after := max(costs[d-1][i], growthTrivial), costs[d][i]
			results = append(results, result{
				what: fmt.Sprintf("%s, %dk → %dk runs", g.what, decades[d-1]/1000, decades[d]/1000), unit: factor,
				ours: after / before, limit: new(growthFactor), alone: true,
			})
		}
	}
	return results, nil
}

// costsAt returns the CPU seconds of each request on a database of n runs.
func (s *side) costsAt(ctx context.Context, n int) ([]float64, error) {
	home, err := s.home()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	began, data := time.Now(), filepath.Join(home, ".usher")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, err
	}
	if err := plant(ctx, data, n); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "seeded %d runs in %v\n", n, time.Since(began).Round(time.Second))
	server, err := s.launch(ctx, home)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	if err := atRest(ctx, server); err != nil {
		return nil, err
	}
	var costs []float64
	for _, g := range grownRequests(began) {
		cost, err := costOf(ctx, server, g)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.what, err)
		}
		costs = append(costs, cost)
	}
	return costs, nil
}

// atRest waits until a server has looked through what it found when it started.
func atRest(ctx context.Context, server *testkit.Server) error {
	const still, longest = 0.02, 60 // seconds of CPU in one second, and seconds
	before, err := usageOf(server.PID())
	for range longest {
		if err != nil {
			return err
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		was := before
		if before, err = usageOf(server.PID()); err == nil && before.cpu-was.cpu <= still {
			return nil
		}
	}
	return fmt.Errorf("the server is not at rest after %d seconds", longest)
}

// costOf makes the request until enough CPU was used for the clock of /proc.
func costOf(ctx context.Context, server *testkit.Server, g grown) (float64, error) {
	const enough, most, atOnce = 0.3, 2000, 10
	c := client{server: server, patient: true}
	made := 0
	send := func(times int) error {
		for range times {
			if err := c.send(ctx, cmp.Or(g.method, http.MethodPost), g.path, g.body(made), nil); err != nil {
				return err
			}
			made++
		}
		return nil
	}
	if err := send(4); err != nil { // they read the file and prepare statements
		return 0, err
	}
	before, err := usageOf(server.PID())
	if err != nil {
		return 0, err
	}
	for made = 0; ; {
		if err := send(atOnce); err != nil {
			return 0, err
		}
		now, err := usageOf(server.PID())
		if used := now.cpu - before.cpu; err != nil || used >= enough || made >= most {
			return used / float64(made), err
		}
	}
}
