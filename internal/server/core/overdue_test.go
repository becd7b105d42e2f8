package core_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// stateOf is the name of a run's state.
func (h *house) stateOf(run uuid.UUID) string {
	h.t.Helper()
	return *h.read(run).StateName
}

func TestRunsThatNobodyStartsBecomeLate(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", "")
		run := h.run(d, `{}`)
		waiting := h.run(d, `{"state":{"type":"SCHEDULED","name":"AwaitingRetry"}}`)
		h.pass(10 * time.Second)
		h.ok(h.MarkLateRuns(h.t.Context(), who))
		if got := h.stateOf(run.ID); got != "Scheduled" {
			t.Errorf("after 10 s the run is %s", got)
		}
		h.pass(5 * time.Second)
		h.ok(h.MarkLateRuns(h.t.Context(), who))
		h.ok(h.MarkLateRuns(h.t.Context(), who))
		late := h.read(run.ID)
		if *late.StateName != "Late" || !late.State.StateDetails.ScheduledTime.Equal(run.ExpectedStartTime.Time) || !late.ExpectedStartTime.Equal(run.ExpectedStartTime.Time) {
			t.Errorf("after 15 s the run is %+v", late.State)
		}
		if got := h.stateOf(waiting.ID); got != "AwaitingRetry" {
			t.Errorf("the retry is %s", got)
		}
		h.equal("events", h.events("prefect.flow-run."), []string{"Scheduled", "AwaitingRetry", "Late"})
	})
}

func TestPausesExpire(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", "")
		paused := func(until string) uuid.UUID {
			run := h.run(d, `{}`)
			h.set(run.ID, `{"type":"PENDING"}`)
			h.set(run.ID, `{"type":"RUNNING"}`)
			h.set(run.ID, `{"type":"PAUSED","name":"Paused","state_details":{"pause_timeout":"`+until+`"}}`)
			return run.ID
		}
		soon, later := paused("2026-03-02T12:05:00.5Z"), paused("2026-03-02T13:00:00Z")
		h.pass(6 * time.Minute)
		h.ok(h.ExpirePauses(h.t.Context(), who))
		if got := h.stateOf(soon); got != "Paused" {
			t.Errorf("before its time the run is %s", got)
		}
		h.pass(time.Second)
		h.ok(h.ExpirePauses(h.t.Context(), who))
		if got := h.read(soon); *got.StateName != "Failed" || *got.State.Message != "The flow was paused and never resumed." {
			t.Errorf("after its time the run is %+v", got.State)
		}
		if got := h.stateOf(later); got != "Paused" {
			t.Errorf("the other run is %s", got)
		}
	})
}

func TestCancelledRunsTakeTheirChildrenAlong(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", "")
		parent := h.run(d, `{}`)
		h.set(parent.ID, `{"type":"PENDING"}`)
		h.set(parent.ID, `{"type":"RUNNING"}`)
		child, task := h.subflow(parent, "")
		deployed, _ := h.subflow(parent, d.ID.String())
		h.set(parent.ID, `{"type":"CANCELLED"}`)
		h.ok(h.EndChildrenOf(h.t.Context(), who, parent.ID, api.StateTypeCancelled))
		if got := h.read(child); *got.StateName != "Cancelled" || *got.State.Message != "The parent flow run was cancelled." {
			t.Errorf("the subflow is %+v", got.State)
		}
		if got := h.stateOf(deployed); got != "Cancelling" {
			t.Errorf("the subflow with a deployment is %s", got)
		}
		if got := must[*api.TaskRun](h.t)(h.TaskRun(h.t.Context(), who, task)); *got.StateName != "Cancelled" {
			t.Errorf("the task run is %s", *got.StateName)
		}
		h.pass(299 * time.Second)
		h.ok(h.EndCancellations(h.t.Context(), who))
		if got := h.stateOf(deployed); got != "Cancelling" {
			t.Errorf("before its time the cancellation is %s", got)
		}
		h.pass(time.Second)
		h.ok(h.EndCancellations(h.t.Context(), who))
		if got := h.read(deployed); *got.StateName != "Cancelled" || *got.State.Message != "Flow run cancellation timed out; marked this flow run as Cancelled." {
			t.Errorf("after its time the cancellation is %+v", got.State)
		}
	})
}

// subflow makes a running subflow of a run, of a deployment or none.
func (h *house) subflow(parent *api.FlowRunResponse, deployment string) (run, task uuid.UUID) {
	h.t.Helper()
	in := read[api.TaskRunCreate](h.t, `{"flow_run_id":"`+parent.ID.String()+`","task_key":"t`+deployment+`","dynamic_key":"0","state":{"type":"RUNNING"}}`)
	t, _, err := h.CreateTaskRun(h.t.Context(), who, in)
	h.ok(err)
	text := `{"flow_id":"` + parent.FlowID.String() + `","parent_task_run_id":"` + t.ID.String() + `","state":{"type":"RUNNING"}`
	if deployment != "" {
		text += `,"deployment_id":"` + deployment + `"`
	}
	r, _, err := h.CreateFlowRun(h.t.Context(), who, read[api.FlowRunCreate](h.t, text+`}`))
	h.ok(err)
	return r.ID, t.ID
}

func TestWorkersAndPoolsFallSilent(t *testing.T) {
	inHouses(t, func(h *house) {
		h.pool(`{"name":"p","type":"process"}`)
		beat := func(text string) {
			h.ok(h.WorkerHeartbeat(h.t.Context(), who, "p", read[api.WorkerHeartbeatRequest](h.t, text)))
		}
		beat(`{"name":"quick","heartbeat_interval_seconds":5}`)
		beat(`{"name":"usual"}`)
		h.equal("events", h.events("prefect.work-pool."), []string{"created", "not-ready", "ready"})
		h.pass(16 * time.Second)
		h.ok(h.CheckPresence(h.t.Context(), who))
		h.equal("one worker is left", h.events("prefect.work-pool."), []string{"created", "not-ready", "ready"})
		h.pass(90 * time.Second)
		h.ok(h.CheckPresence(h.t.Context(), who))
		h.ok(h.CheckPresence(h.t.Context(), who))
		h.equal("no worker is left", h.events("prefect.work-pool."), []string{"created", "not-ready", "ready", "not-ready"})
		beat(`{"name":"usual"}`)
		h.equal("it is back", h.events("prefect.work-pool."), []string{"created", "not-ready", "ready", "not-ready", "ready"})
		workers := must[[]api.WorkerResponse](h.t)(h.Workers(h.t.Context(), who, "p", nil, 10, 0))
		if len(workers) != 2 || workers[0].Name != "usual" || workers[0].Status != api.WorkerStatusOnline || workers[1].Status != api.WorkerStatusOffline {
			t.Errorf("the workers are %+v", workers)
		}
		h.Upkeep.Presence = core.Presence{MissedBeats: 20}
		h.pass(5 * time.Minute)
		h.ok(h.CheckPresence(h.t.Context(), who))
		h.equal("it may miss more", h.events("prefect.work-pool."), []string{"created", "not-ready", "ready", "not-ready", "ready"})
		h.Upkeep.Presence.MissedBeats = 9
		h.ok(h.CheckPresence(h.t.Context(), who))
		h.equal("it has missed too many", h.events("prefect.work-pool."), []string{"created", "not-ready", "ready", "not-ready", "ready", "not-ready"})
	})
}
