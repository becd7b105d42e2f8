package core_test

import (
	"compress/gzip"
	"os"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// acquisition is a pool with what happened to it and whom the reference gave runs:
// recorded by testdata/acquisition.py.
type acquisition struct {
	Pool   jsontext.Value   `json:"pool"`
	Queues []jsontext.Value `json:"queues"`
	Steps  []struct {
		Op    string         `json:"op"`
		Queue string         `json:"queue"`
		Run   string         `json:"run"`
		Type  api.StateType  `json:"type"`
		Body  jsontext.Value `json:"body"`
		Names []string       `json:"names"` // of the runs that a poll answered
	} `json:"steps"`
}

func TestRunsAreHandedOutAsByTheReference(t *testing.T) {
	inHouses(t, func(h *house) {
		cases := acquisitions(t)
		polls := 0
		for i := range cases {
			polls += h.acquires(&cases[i])
		}
		if polls < 100 {
			t.Errorf("only %d polls are recorded", polls)
		}
	})
}

func acquisitions(t *testing.T) (cases []acquisition) {
	t.Helper()
	packed, err := os.Open("testdata/acquisition.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.UnmarshalRead(unpacked, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// acquires lets everything happen that happened to the reference's pool, compares the
// polls, and counts them.
func (h *house) acquires(c *acquisition) (polls int) {
	h.t.Helper()
	ctx, pool := h.t.Context(), h.pool(string(c.Pool)).Name
	queues := []string{"default"}
	for _, body := range c.Queues {
		q, err := h.CreateWorkQueue(ctx, who, pool, read[api.WorkQueueCreate](h.t, string(body)))
		h.ok(err)
		queues = append(queues, q.Name)
	}
	deployments, runs := map[string]*api.DeploymentResponse{}, map[string]uuid.UUID{}
	for _, q := range queues {
		deployments[q] = h.deployment(pool+q, `"work_pool_name":"`+pool+`","work_queue_name":"`+q+`"`)
	}
	for i, step := range c.Steps {
		switch body := string(step.Body); step.Op {
		case "run":
			run := h.run(deployments[step.Queue], body)
			runs[run.Name] = run.ID
		case "state":
			_, _, err := h.SetFlowRunState(ctx, who, runs[step.Run], read[api.SetFlowRunStateRequest](h.t, `{"state":{"type":"`+string(step.Type)+`"},"force":true}`))
			h.ok(err)
		case "pool":
			h.ok(h.UpdateWorkPool(ctx, who, pool, read[api.WorkPoolUpdate](h.t, body)))
		case "queue":
			h.ok(h.UpdatePoolQueue(ctx, who, pool, step.Queue, read[api.WorkQueueUpdate](h.t, body)))
		case "due":
			polls++
			if got := h.handedOut(pool, body); !slices.Equal(got, step.Names) {
				h.t.Errorf("%s, step %d, %s: %q, the reference gives %q", pool, i, body, got, step.Names)
			}
		}
	}
	return polls
}

// handedOut are the names of the runs that a poll of a pool answers.
func (h *house) handedOut(pool, body string) []string {
	h.t.Helper()
	in := read[api.GetScheduledFlowRunsRequest](h.t, body)
	found, err := h.DueRuns(h.t.Context(), who, pool, in, in.Limit.Or(200))
	if api.CodeOf(err) == api.CodeNotFound {
		return []string{"refused"}
	}
	h.ok(err)
	names := []string{}
	for _, r := range found {
		names = append(names, r.FlowRun.Name)
	}
	return names
}
