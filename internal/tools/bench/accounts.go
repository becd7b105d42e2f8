package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/testkit"
)

const (
	// accountTurns is how often the two servers take turns: the difference between them is
	// small, and what else the machine does is not.
	accountTurns = 7
	// turnRounds is how often a step is taken in one turn.
	turnRounds = 1000
	// accountShare is how much more a request may cost that says who sends it.
	accountShare = 1.15
)

// measureAccounts compares requests to a server with accounts, each with a key and to a
// workspace's path, with the same to a server that asks nobody. The reference has no
// accounts.
func measureAccounts(ctx context.Context, r *rig) ([]result, error) {
	open := &side{name: "open", cli: r.ours.cli, dir: r.dir, launch: r.ours.launch}
	var key, path string
	governed := &side{name: "governed", cli: r.ours.cli, dir: r.dir}
	governed.launch = func(ctx context.Context, home string) (server *testkit.Server, err error) {
		if key, path, err = bootstrap(ctx, r.ours.cli, home); err != nil {
			return nil, err
		}
		return testkit.StartUsherServerIn(ctx, r.ours.cli, home, fullMode)
	}
	sides := []*side{open, governed}
	costs := map[string][][]float64{} // of each step, by side
	var order []string
	steps := make([][]step, len(sides))
	for i, s := range sides {
		server, err := s.running(ctx)
		if err != nil {
			return nil, err
		}
		defer server.Stop()
		c := client{server: server}
		if s == governed {
			c.key, c.base = key, server.URL+path
		}
		if steps[i], err = c.governedSteps(ctx, accountTurns*turnRounds); err != nil {
			return nil, err
		}
	}
	for turn := range accountTurns {
		for at, one := range steps[0] {
			if turn == 0 {
				order = append(order, one.what)
				costs[one.what] = make([][]float64, len(sides))
			}
			for i, s := range sides {
				cpu, err := s.cpuDuring(ctx, func() error {
					return repeat(turnRounds, func(k int) error { return steps[i][at].act(turn*turnRounds + k) })
				})
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %w", s.name, one.what, err)
				}
				costs[one.what][i] = append(costs[one.what][i], cpu)
			}
		}
	}
	results := make([]result, len(order))
	for i, what := range order {
		results[i] = result{
			what: "with accounts: " + what, unit: factor, ours: median(costs[what][1]) / median(costs[what][0]), limit: new(accountShare), alone: true,
		}
	}
	return results, nil
}

// governedSteps are the requests that are compared; there are at most so many of each.
func (c client) governedSteps(ctx context.Context, most int) ([]step, error) {
	flow, err := c.create(ctx, "/flows/", object{"name": "bench"})
	if err != nil {
		return nil, err
	}
	runs := make([]string, most)
	mine := object{"id": object{"any_": []string{flow}}}
	return []step{
		{what: "create flow run", act: func(i int) (err error) { runs[i], err = c.create(ctx, "/flow_runs/", newRun(flow)); return err }},
		{what: "set state", act: func(i int) error { return c.walk(ctx, runs[i]) }},
		{what: "read flow run", act: several(func(i int) error { return c.send(ctx, http.MethodGet, "/flow_runs/"+runs[i], nil, nil) })},
		{what: "filter flows", act: several(func(int) error { return c.send(ctx, http.MethodPost, "/flows/filter", object{"flows": mine}, nil) })},
	}, nil
}

// several takes a step five times for once: what is cheap is seen by the clock of /proc
// only then.
func several(act func(i int) error) func(i int) error {
	return func(i int) error { return repeat(5, func(int) error { return act(i) }) }
}

// fullMode turns accounts on.
const fullMode = "USHER_AUTH_MODE=full"

// bootstrap makes the first account of a server that is not running yet, and answers the
// key of its owner and the path of its workspace.
func bootstrap(ctx context.Context, cli, home string) (key, path string, err error) {
	cmd := exec.CommandContext(ctx, cli, "server", "bootstrap", "--email", "ada@example.com", "--account", "acme", "--workspace", "main", "-o", "json")
	cmd.Env = testkit.Env(home, fullMode)
	out, err := cmd.Output()
	if err != nil {
		return "", "", fmt.Errorf("usher server bootstrap: %w", err)
	}
	var made struct {
		Key string `json:"api_key"`
		URL string `json:"api_url"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		return "", "", err
	}
	at, err := url.Parse(made.URL)
	if err != nil {
		return "", "", err
	}
	return made.Key, at.Path, nil
}
