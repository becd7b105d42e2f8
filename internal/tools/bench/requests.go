package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// rounds is how often each request is made; our server needs more for the
// clock of /proc to be fine enough.
func (s *side) rounds() int {
	if s.name == "usher" {
		return 2000
	}
	return 200
}

// step is a request whose cost is compared.
type step struct {
	what  string
	ratio float64 // its bar
	per   int     // requests each round makes
	act   func(i int) error
}

// measureRequests compares the server's CPU time per request.
func measureRequests(ctx context.Context, r *rig) ([]result, error) {
	theirs, err := r.theirs.cpuPerRequest(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.theirs.name, err)
	}
	ours, err := r.ours.cpuPerRequest(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.ours.name, err)
	}
	for i := range ours {
		ours[i].theirs = theirs[i].ours
	}
	return ours, nil
}

// cpuPerRequest returns the figures of this side as ours.
func (s *side) cpuPerRequest(ctx context.Context) ([]result, error) {
	server, err := s.running(ctx)
	if err != nil {
		return nil, err
	}
	c := client{server: server, patient: true}
	flow, err := c.create(ctx, "/flows/", object{"name": "bench"})
	if err != nil {
		return nil, err
	}
	var results []result
	for _, step := range c.steps(ctx, flow, make([]string, s.rounds())) {
		rounds := s.rounds()
		cpu, err := s.cpuDuring(ctx, func() error { return repeat(rounds, step.act) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step.what, err)
		}
		results = append(results, result{
			what: "server CPU, " + step.what, unit: duration, ratio: step.ratio, ours: cpu / float64(rounds*step.per),
		})
	}
	return results, nil
}

func repeat(times int, act func(i int) error) error {
	for i := range times {
		if err := act(i); err != nil {
			return err
		}
	}
	return nil
}

// steps are the requests of the life of a run; runs gets the ids of those made.
func (c client) steps(ctx context.Context, flow string, runs []string) []step {
	post := func(path string, body any) error { return c.send(ctx, http.MethodPost, path, body, nil) }
	mine := object{"id": object{"any_": []string{flow}}}
	running := object{"state": object{"type": object{"any_": []string{"RUNNING"}}}}
	return []step{
		{"create flow run", 40, 1, func(i int) (err error) { runs[i], err = c.create(ctx, "/flow_runs/", newRun(flow)); return err }},
		{"set state", 40, 2, func(i int) error { return c.walk(ctx, runs[i]) }},
		{"write 100 logs", 30, 1, func(i int) error { return post("/logs/", logBatch(runs[i])) }},
		{"read flow run", 40, 1, func(i int) error { return c.send(ctx, http.MethodGet, "/flow_runs/"+runs[i], nil, nil) }},
		{"list 200 flow runs", 40, 1, func(int) error {
			return post("/flow_runs/filter", object{"flows": mine, "limit": 200, "sort": "START_TIME_DESC"})
		}},
		{"filter flows", 25, 1, func(int) error { return post("/flows/filter", object{"flows": mine}) }},
		{"count flow runs", 25, 1, func(int) error { return post("/flow_runs/count", object{"flow_runs": running}) }},
		{"take in an event", 40, eventBatch, func(i int) error { return post("/events", events(runs[i])) }},
	}
}

func newRun(flow string) object {
	return object{
		"flow_id": flow, "parameters": object{"n": 1, "who": "Ada"}, "tags": []string{"bench"},
		"state": object{"type": "PENDING"},
	}
}

func logBatch(run string) []object {
	batch := make([]object, 100)
	for i := range batch {
		batch[i] = object{
			"name": "prefect.flow_runs", "level": 20, "flow_run_id": run,
			"message":   fmt.Sprintf("line %d of a log that says nothing much", i),
			"timestamp": time.Now().UTC().Format(time.RFC3339Nano),
		}
	}
	return batch
}

// eventBatch is how many events one request carries.
const eventBatch = 50

func events(run string) []object {
	batch := make([]object, eventBatch)
	for i := range batch {
		batch[i] = object{
			"id": uuid.Must(uuid.NewV7()), "occurred": time.Now().UTC().Format(time.RFC3339Nano), "event": "bench.happened",
			"resource": object{"prefect.resource.id": "bench.thing." + run, "prefect.resource.name": "thing"},
			"related":  []object{{"prefect.resource.id": "prefect.flow-run." + run, "prefect.resource.role": "flow-run"}},
			"payload":  object{"n": i},
		}
	}
	return batch
}

// walk moves a run from Pending to its end.
func (c client) walk(ctx context.Context, run string) error {
	for _, state := range []string{"RUNNING", "COMPLETED"} {
		var answer struct {
			Status string `json:"status"`
		}
		err := c.send(ctx, http.MethodPost, "/flow_runs/"+run+"/set_state", object{"state": object{"type": state}}, &answer)
		if err != nil {
			return err
		}
		if answer.Status != "ACCEPT" {
			return fmt.Errorf("state %s was answered with %s", state, answer.Status)
		}
	}
	return nil
}

func (c client) listRuns(ctx context.Context, flow string) error {
	return c.send(ctx, http.MethodPost, "/flow_runs/filter", object{
		"flows": object{"id": object{"any_": []string{flow}}}, "limit": 200, "sort": "START_TIME_DESC",
	}, nil)
}
