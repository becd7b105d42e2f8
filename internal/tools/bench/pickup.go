package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

const pool = "bench"

// measurePickup times the way from the creation of a deployment's run to the
// start of its process by the side's own worker, with default settings.
func measurePickup(ctx context.Context, r *rig) ([]result, error) {
	ours, theirs, err := r.both(func(s *side) (float64, error) { return s.pickUp(ctx) })
	return []result{{
		what: "deployment run to process start", unit: duration, ours: ours, theirs: theirs, limit: new(0.150),
	}}, err
}

func (s *side) pickUp(ctx context.Context) (float64, error) {
	server, err := s.running(ctx)
	if err != nil {
		return 0, err
	}
	marks, err := s.home()
	if err != nil {
		return 0, err
	}
	deployment, err := s.deploy(ctx, server, marks)
	if err != nil {
		return 0, err
	}
	worker, err := s.startWorker(ctx, server, pool)
	if err != nil {
		return 0, err
	}
	defer worker.Stop()
	var waits []float64
	for i := range s.pickups() + 1 {
		waited, err := s.timeOne(ctx, server, deployment, marks)
		if err != nil {
			return 0, fmt.Errorf("%w\n%s", err, worker.Log())
		}
		if i > 0 { // the first one finds the worker still settling in
			waits = append(waits, waited)
		}
	}
	return median(waits), nil
}

func (s *side) pickups() int {
	if s.name == "usher" {
		return 15
	}
	return 5
}

// deploy makes a pool and a deployment whose process leaves the time of its
// start in a file named after the run.
func (s *side) deploy(ctx context.Context, server *testkit.Server, marks string) (string, error) {
	cmd := exec.CommandContext(ctx, s.cli, "work-pool", "create", pool, "--type", "process")
	cmd.Env = s.env(server)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	script := filepath.Join(marks, "mark")
	text := "#!/bin/sh\ndate +%s.%N >" + marks + "/new.$PREFECT__FLOW_RUN_ID\nmv " + marks + "/new.$PREFECT__FLOW_RUN_ID " + marks + "/$PREFECT__FLOW_RUN_ID\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		return "", err
	}
	c := client{server: server, patient: true}
	flow, err := c.create(ctx, "/flows/", object{"name": "pickup"})
	if err != nil {
		return "", err
	}
	return c.create(ctx, "/deployments/", object{
		"name": "mark", "flow_id": flow, "work_pool_name": pool, "path": marks, "entrypoint": "mark.py:mark",
		"job_variables": object{"command": script},
	})
}

func (s *side) startWorker(ctx context.Context, server *testkit.Server, pool string) (*testkit.Process, error) {
	cmd := exec.Command(s.cli, "worker", "start", "--pool", pool)
	cmd.Env = s.env(server)
	worker, err := testkit.StartProcess(cmd, filepath.Join(server.Home, "worker.log"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c := client{server: server, patient: true}
	err = testkit.Until(ctx, func() error {
		var workers []struct {
			Status string `json:"status"`
		}
		err := c.send(ctx, "POST", "/work_pools/"+pool+"/workers/filter", object{}, &workers)
		if err == nil && len(workers) == 0 {
			err = errors.New("the worker is not there yet")
		}
		return err
	})
	if err != nil {
		worker.Kill()
		return nil, fmt.Errorf("start the worker: %w\n%s", err, worker.Log())
	}
	return worker, nil
}

func (s *side) timeOne(ctx context.Context, server *testkit.Server, deployment, marks string) (float64, error) {
	c := client{server: server, patient: true}
	began := time.Now()
	run, err := c.create(ctx, "/deployments/"+deployment+"/create_flow_run", object{})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var mark []byte
	err = testkit.Until(ctx, func() (err error) {
		mark, err = os.ReadFile(filepath.Join(marks, run))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("the process of run %s has not started: %w", run, err)
	}
	started, err := strconv.ParseFloat(strings.TrimSpace(string(mark)), 64)
	if err != nil {
		return 0, err
	}
	// Runs come at no fixed place of the worker's rounds.
	if err := pause(ctx, time.Duration(began.Nanosecond())/2); err != nil {
		return 0, err
	}
	return started - float64(began.UnixNano())/1e9, nil
}
