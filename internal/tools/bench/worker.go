package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

const (
	burst   = 500  // programs that are due at once
	waiting = 1000 // runs that are due later
	timed   = 15   // runs whose way from their due time is measured
)

// measureWorker measures what our worker alone promises: programs, which the reference's
// workers start as Python.
func measureWorker(ctx context.Context, r *rig) ([]result, error) {
	s := r.ours
	server, err := s.running(ctx)
	if err != nil {
		return nil, err
	}
	marks, err := s.home()
	if err != nil {
		return nil, err
	}
	c := client{server: server, patient: true}
	if _, err := c.create(ctx, "/work_pools/", object{"name": programs, "type": "process"}); err != nil {
		return nil, err
	}
	flow, err := c.create(ctx, "/flows/", object{"name": programs})
	if err != nil {
		return nil, err
	}
	deploy := func(name, command string) (string, error) {
		return c.create(ctx, "/deployments/", object{
			"name": name, "flow_id": flow, "work_pool_name": programs, "entrypoint": name, "job_variables": object{"command": command},
		})
	}
	empty, err := deploy("empty", "usher exec -- true")
	if err != nil {
		return nil, err
	}
	mark, err := deploy("mark", `usher exec -- sh -c 'date +%s.%N >`+marks+`/new.$USHER_FLOW_RUN_ID; mv `+marks+`/new.$USHER_FLOW_RUN_ID `+marks+`/$USHER_FLOW_RUN_ID'`)
	if err != nil {
		return nil, err
	}
	worker, err := s.startWorker(ctx, server, programs)
	if err != nil {
		return nil, err
	}
	defer worker.Stop()
	var results []result
	for _, measure := range []func() (result, error){
		func() (result, error) { return idleWorker(ctx, worker) },
		func() (result, error) { return memoryOf(worker, "worker: memory at rest", new(30e6)) },
		func() (result, error) { return finishBurst(ctx, c, empty) },
		func() (result, error) { return restedMemory(ctx, worker) },
		func() (result, error) { return dispatch(ctx, c, empty, mark, marks) },
		func() (result, error) { return memoryOf(worker, "worker: memory with 1,000 waiting", nil) },
	} {
		one, err := measure()
		if err != nil {
			return results, fmt.Errorf("%w\n%s", err, worker.Log())
		}
		results = append(results, one)
	}
	return results, nil
}

const programs = "programs"

func memoryOf(worker *testkit.Process, what string, limit *float64) (result, error) {
	used, err := usageOf(worker.PID())
	return result{what: what, unit: mebibytes, ours: used.memory, limit: limit, alone: true}, err
}

// restedMemory is what a worker needs a few seconds after it had much to do.
func restedMemory(ctx context.Context, worker *testkit.Process) (result, error) {
	if err := pause(ctx, 5*time.Second); err != nil {
		return result{}, err
	}
	return memoryOf(worker, "worker: memory at rest after all that", new(30e6))
}

// idleWorker measures the CPU of a worker that has nothing to do.
func idleWorker(ctx context.Context, worker *testkit.Process) (result, error) {
	before, err := usageOf(worker.PID())
	if err != nil {
		return result{}, err
	}
	if err := pause(ctx, idleWindow); err != nil {
		return result{}, err
	}
	after, err := usageOf(worker.PID())
	return result{what: "worker: CPU at rest, share of a core", unit: percent, ours: (after.cpu - before.cpu) / idleWindow.Seconds(), limit: new(0.005), alone: true}, err
}

// finishBurst times programs that do nothing, from the creation of the first run to the end of
// the last.
func finishBurst(ctx context.Context, c client, deployment string) (result, error) {
	began := time.Now()
	for range burst {
		if _, err := c.create(ctx, "/deployments/"+deployment+"/create_flow_run", object{}); err != nil {
			return result{}, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	err := testkit.Until(ctx, func() error {
		var left int
		err := c.send(ctx, "POST", "/flow_runs/count", object{
			"deployments": object{"id": object{"any_": []string{deployment}}}, "flow_runs": object{"state": object{"type": object{"not_any_": []string{"COMPLETED"}}}},
		}, &left)
		if err == nil && left > 0 {
			err = fmt.Errorf("%d runs are not completed", left)
		}
		return err
	})
	return result{
		what: "worker: 500 programs, created and run", unit: duration, ours: time.Since(began).Seconds(), limit: new(60.0), alone: true,
	}, err
}

// dispatch measures the way from the due time to the program's first act while many wait.
func dispatch(ctx context.Context, c client, empty, mark, marks string) (result, error) {
	at := func(due time.Time) object {
		return object{"state": object{"type": "SCHEDULED", "name": "Scheduled", "state_details": object{"scheduled_time": due.UTC().Format(time.RFC3339Nano)}}}
	}
	for range waiting {
		if _, err := c.create(ctx, "/deployments/"+empty+"/create_flow_run", at(time.Now().Add(time.Hour))); err != nil {
			return result{}, err
		}
	}
	var late []float64
	for i := range timed {
		due := time.Now().Add(3*time.Second + time.Duration(i*137)*time.Millisecond)
		run, err := c.create(ctx, "/deployments/"+mark+"/create_flow_run", at(due))
		if err != nil {
			return result{}, err
		}
		waitCtx, cancel := context.WithTimeout(ctx, time.Minute)
		var text []byte
		err = testkit.Until(waitCtx, func() (err error) {
			text, err = os.ReadFile(filepath.Join(marks, run))
			return err
		})
		cancel()
		if err != nil {
			return result{}, err
		}
		started, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		if err != nil {
			return result{}, errors.Join(fmt.Errorf("the mark of run %s", run), err)
		}
		late = append(late, started-float64(due.UnixNano())/1e9)
	}
	return result{
		what: "worker: due time to program, 1,000 waiting", unit: duration, ours: median(late), limit: new(0.1), alone: true,
	}, nil
}
