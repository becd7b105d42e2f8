package core_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// What the reference does with each of these runs: nothing. A run whose process died is
// RUNNING for ever unless somebody has written an automation against that.

// beat lets a run's process tell that it lives.
func (h *house) beat(run uuid.UUID) {
	h.t.Helper()
	text := `{"id":"` + uuid.NewString() + `","occurred":"` + h.clock().Format(time.RFC3339Nano) + `","event":"prefect.flow-run.heartbeat",
		"resource":{"prefect.resource.id":"prefect.flow-run.` + run.String() + `"}}`
	e, err := core.ReadEvent([]byte(text))
	h.ok(err)
	h.ok(h.Ingest(h.t.Context(), who, []api.ReceivedEvent{e}))
}

// listens lets the service turn that has listened since a time.
func (h *house) listens(since time.Time) {
	h.t.Helper()
	h.ok(h.EndSilentRuns(h.t.Context(), who, since))
}

// running starts a run of a deployment.
func (h *house) running(d *api.DeploymentResponse) uuid.UUID {
	h.t.Helper()
	run := h.run(d, `{}`)
	h.set(run.ID, `{"type":"PENDING"}`)
	h.set(run.ID, `{"type":"RUNNING"}`)
	return run.ID
}

func TestARunWhoseProcessDiedCrashesAfterTwoHeartbeats(t *testing.T) {
	inHouses(t, func(h *house) {
		opened := h.clock()
		d := h.deployment("d", `"concurrency_limit":1`)
		run, alive := h.running(d), h.running(h.deployment("other", ""))
		unheard := h.running(h.deployment("third", ""))
		for range 3 {
			h.beat(run)
			h.beat(alive)
			h.pass(30 * time.Second)
			h.listens(opened)
		}
		h.beat(alive)
		h.pass(29 * time.Second)
		h.listens(opened)
		if got := h.stateOf(run); got != "Running" {
			t.Fatalf("before two heartbeats are missed the run is %s", got)
		}
		h.pass(2 * time.Second)
		h.listens(opened)
		crashed := h.read(run)
		if *crashed.StateType != api.StateTypeCrashed || !strings.Contains(*crashed.State.Message, "every 30s") || !strings.Contains(*crashed.State.Message, run.String()) {
			t.Errorf("after two heartbeats the run is %+v", crashed.State)
		}
		if got := h.taken("deployment:" + d.ID.String()); got != 0 {
			t.Errorf("%d slots are held by a dead run", got)
		}
		h.pass(time.Hour)
		h.listens(opened)
		if got := h.stateOf(unheard); got != "Running" {
			t.Errorf("a run that sends no heartbeats is %s", got)
		}
		if got := h.set(run, `{"type":"COMPLETED"}`); got != api.SetStateStatusAccept {
			t.Errorf("the end of a run that lived after all: %s", got)
		}
	})
}

func TestSilenceIsOnlyCountedWhileSomebodyListens(t *testing.T) {
	inHouses(t, func(h *house) {
		run := h.running(h.deployment("d", ""))
		h.beat(run)
		h.pass(time.Hour)
		opened := h.clock()
		h.listens(opened)
		h.pass(359 * time.Second)
		h.listens(opened)
		if got := h.stateOf(run); got != "Running" {
			t.Fatalf("a server that was away for an hour makes the run %s", got)
		}
		h.pass(2 * time.Second)
		h.listens(opened)
		if got := h.stateOf(run); got != "Crashed" {
			t.Errorf("after six minutes of listening the run is %s", got)
		}
	})
}

func TestProcessesMayBeSilentWhileTheyWait(t *testing.T) {
	inHouses(t, func(h *house) {
		opened := h.clock()
		d := h.deployment("d", "")
		paused, suspended, retrying, cancelling := h.running(d), h.running(d), h.running(d), h.running(d)
		h.ok(h.UpdateFlowRun(h.t.Context(), who, retrying, read[api.FlowRunUpdate](h.t, `{"empirical_policy":{"retries":1,"retry_delay":3600}}`)))
		for _, run := range []uuid.UUID{paused, suspended, retrying, cancelling} {
			h.beat(run)
		}
		h.set(paused, `{"type":"PAUSED","state_details":{"pause_timeout":"2026-03-03T00:00:00Z"}}`)
		h.set(suspended, `{"type":"PAUSED","name":"Suspended","state_details":{"pause_timeout":"2026-03-03T00:00:00Z","pause_reschedule":true}}`)
		h.set(retrying, `{"type":"FAILED"}`)
		h.set(cancelling, `{"type":"CANCELLING"}`)
		h.pass(361 * time.Second)
		h.listens(opened)
		want := []string{"Paused", "Suspended", "AwaitingRetry", "Cancelled"}
		for i, run := range []uuid.UUID{paused, suspended, retrying, cancelling} {
			if got := h.stateOf(run); got != want[i] {
				t.Errorf("%s is %s", want[i], got)
			}
		}
		h.set(paused, `{"type":"RUNNING"}`)
		h.pass(361 * time.Second)
		h.listens(opened)
		if got := h.stateOf(paused); got != "Crashed" {
			t.Errorf("resumed without its process the run is %s", got)
		}
		h.pass(time.Hour)
		h.listens(opened)
		h.pass(361 * time.Second)
		h.listens(opened)
		if got := h.stateOf(retrying); got != "Crashed" {
			t.Errorf("long after its retry was due the run is %s", got)
		}
	})
}
