package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

// TestEventsOfFlowRunsAreThoseOfTheReference compares the events about one run with those
// that the reference stored for the same requests.
func TestEventsOfFlowRunsAreThoseOfTheReference(t *testing.T) {
	inHouses(t, func(h *house) {
		told := bus.Subscribe[core.Event](h.Bus, 64)
		defer told.Close()
		pool := h.pool(`{"name":"pool","type":"process"}`)
		parent, _, err := h.CreateTaskRun(h.t.Context(), who, read[api.TaskRunCreate](h.t, `{"task_key":"k","dynamic_key":"1","name":"parent","tags":["pt"]}`))
		h.ok(err)
		d := h.deployment("dep", `"tags":["dt","x"],"work_pool_name":"pool"`)
		run, _, err := h.CreateFlowRun(h.t.Context(), who, read[api.FlowRunCreate](h.t, fmt.Sprintf(
			`{"flow_id":%q,"deployment_id":%q,"name":"run","tags":["rt","x"],"parent_task_run_id":%q,"work_pool_name":"pool","state":{"type":"SCHEDULED","message":"m"}}`, d.FlowID, d.ID, parent.ID)))
		h.ok(err)
		h.set(run.ID, `{"type":"PENDING"}`)
		h.pass(6 * time.Minute)
		h.set(run.ID, `{"type":"RUNNING"}`)
		h.set(run.ID, `{"type":"PAUSED","message":"zz","state_details":{"pause_key":"a"}}`)

		states, err := h.FlowRunStates(h.t.Context(), who, run.ID)
		h.ok(err)
		related := fmt.Sprintf(`[
			{"prefect.resource.id":"prefect.flow.%s","prefect.resource.name":"f","prefect.resource.role":"flow"},
			{"prefect.resource.id":"prefect.deployment.%s","prefect.resource.name":"dep","prefect.resource.role":"deployment"},
			{"prefect.resource.id":"prefect.work-queue.%s","prefect.resource.name":"default","prefect.resource.role":"work-queue"},
			{"prefect.resource.id":"prefect.work-pool.%s","prefect.resource.name":"pool","prefect.resource.role":"work-pool","prefect.work-pool.type":"process"},
			{"prefect.resource.id":"prefect.task-run.%s","prefect.resource.name":"parent","prefect.resource.role":"task-run"},
			{"prefect.resource.id":"prefect.tag.dt","prefect.resource.role":"tag"},
			{"prefect.resource.id":"prefect.tag.pt","prefect.resource.role":"tag"},
			{"prefect.resource.id":"prefect.tag.rt","prefect.resource.role":"tag"},
			{"prefect.resource.id":"prefect.tag.x","prefect.resource.role":"tag"}]`, d.FlowID, d.ID, *pool.DefaultQueueID, pool.ID, parent.ID)
		want := []struct {
			count, message, payload string
			follows                 *uuid.UUID
		}{
			{"0", "m", `{"intended":{"from":null,"to":"SCHEDULED"},"initial_state":null,"validated_state":{"type":"SCHEDULED","name":"Scheduled","message":"m"}}`, nil},
			{"0", "", `{"intended":{"from":"SCHEDULED","to":"PENDING"},"initial_state":{"type":"SCHEDULED","name":"Scheduled","message":"m"},"validated_state":{"type":"PENDING","name":"Pending"}}`, &states[0].ID},
			{"1", "", `{"intended":{"from":"PENDING","to":"RUNNING"},"initial_state":{"type":"PENDING","name":"Pending"},"validated_state":{"type":"RUNNING","name":"Running"}}`, nil},
			{"1", "zz", `{"intended":{"from":"RUNNING","to":"PAUSED"},"initial_state":{"type":"RUNNING","name":"Running"},"validated_state":{"type":"PAUSED","name":"Paused","message":"zz","pause_reschedule":"false"}}`, &states[2].ID},
		}
		got := flowRunEvents(told)
		if len(got) != len(want) || len(states) != len(want) {
			h.t.Fatalf("%d events of %d states", len(got), len(states))
		}
		for i, w := range want {
			state, e := states[i], got[i]
			resource := api.Resource{
				"prefect.resource.id": "prefect.flow-run." + run.ID.String(), "prefect.resource.name": "run", "prefect.run-count": w.count,
				"prefect.state-message": w.message, "prefect.state-name": *state.Name, "prefect.state-type": string(state.Type),
				"prefect.state-timestamp": state.Timestamp.Format("2006-01-02T15:04:05.000000+00:00"),
			}
			if e.ID != state.ID || e.Event != "prefect.flow-run."+*state.Name || !e.Occurred.Equal(state.Timestamp.Time) {
				h.t.Errorf("event %d is %s at %s", i, e.Event, e.Occurred)
			}
			diff := cmp.Diff(resource, e.Resource) + cmp.Diff(decoded(h.t, related), decoded(h.t, encoded(h.t, e.Related))) +
				cmp.Diff(decoded(h.t, w.payload), decoded(h.t, string(e.Payload))) + cmp.Diff(w.follows, e.Follows)
			if diff != "" {
				h.t.Errorf("event %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

// flowRunEvents takes the events about flow runs from those that were told.
func flowRunEvents(told *bus.Subscription[core.Event]) (events []api.ReceivedEvent) {
	for {
		select {
		case e := <-told.C:
			if strings.HasPrefix(e.Event, "prefect.flow-run.") {
				events = append(events, e.ReceivedEvent)
			}
		default:
			return events
		}
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestStatesOfOneMicrosecondAreKeptApart moves a run while the clock stands still.
func TestStatesOfOneMicrosecondAreKeptApart(t *testing.T) {
	inHouses(t, func(h *house) {
		run := h.run(h.deployment("d", ""), `{}`)
		still := h.clock()
		h.Clock = func() time.Time { return still }
		for range 3 {
			h.set(run.ID, `{"type":"RUNNING"}`)
		}
		h.Clock = func() time.Time { return still.Add(-time.Hour) }
		h.set(run.ID, `{"type":"RUNNING"}`)
		states, err := h.FlowRunStates(h.t.Context(), who, run.ID)
		h.ok(err)
		if len(states) != 5 {
			h.t.Errorf("%d states, not 5", len(states))
		}
		if last := h.read(run.ID); !last.State.Timestamp.Equal(still.Add(-time.Hour)) {
			h.t.Errorf("the current state is of %s", last.State.Timestamp)
		}
	})
}
