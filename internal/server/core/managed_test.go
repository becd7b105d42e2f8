package core_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

func TestManagedAutomationsEndWhatIsStuck(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		for _, kind := range []api.ManagedAutomationType{api.ManagedAutomationTypeZombieCleanup, api.ManagedAutomationTypeStuckCancelling} {
			must[*core.ManagedAutomation](t)(h.ManageAutomation(t.Context(), who, kind, true, jsontext.Value(`{"within_seconds":120}`), nil))
		}
		d := h.deployment("d", "")
		dead, stuck := h.run(d, `{}`).ID, h.run(d, `{}`).ID
		h.set(dead, `{"type":"PENDING"}`)
		h.set(dead, `{"type":"RUNNING"}`)
		h.happens("prefect.flow-run.heartbeat", "prefect.flow-run."+dead.String(), "")
		h.set(stuck, `{"type":"PENDING"}`)
		h.set(stuck, `{"type":"CANCELLING"}`)
		h.wait(triggers, time.Minute)
		same(h, "before", h.read(dead).State.Type, api.StateTypeRunning)
		h.wait(triggers, 2*time.Minute)
		same(h, "the run without heartbeats", h.read(dead).State.Type, api.StateTypeCrashed)
		same(h, "the run that is cancelling", h.read(stuck).State.Type, api.StateTypeCancelled)
	})
}

func TestActionsOnTheScheduleOfARun(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", `"schedules":[{"schedule":{"interval":3600,"anchor_date":"2026-03-02T12:00:00Z"}}]`)
		h.ok(h.ScheduleHungry(t.Context(), who))
		triggers := h.started()
		h.automation("pause", `{"type":"event","posture":"Reactive","expect":["pause"]}`, `"actions":[{"type":"pause-schedule-for-flow-run"}]`)
		h.automation("resume", `{"type":"event","posture":"Reactive","expect":["resume"]}`,
			`"actions":[{"type":"resume-schedule-for-flow-run","deployment_id":"`+d.ID.String()+`","schedule_id":"`+d.Schedules[0].ID.String()+`"}]`)
		h.happens("pause", "prefect.flow-run."+h.runsOf(d)[0].ID.String(), "")
		active := func() bool {
			h.evaluate(triggers)
			h.act()
			return must[[]api.DeploymentSchedule](t)(h.Schedules(t.Context(), who, d.ID))[0].Active
		}
		same(h, "active after pausing", active(), false)
		h.happens("resume", "x", "")
		same(h, "active after resuming", active(), true)
	})
}
