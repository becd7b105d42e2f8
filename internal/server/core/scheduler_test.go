package core_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

func (h *house) schedule(d *api.DeploymentResponse) {
	h.t.Helper()
	h.ok(h.ScheduleDeployments(h.t.Context(), who, []uuid.UUID{d.ID}, h.UsualHorizon()))
}

// times are when the runs of a deployment are to start.
func (h *house) times(d *api.DeploymentResponse) []string {
	h.t.Helper()
	runs := h.runsOf(d)
	out := make([]string, 0, len(runs))
	for _, r := range runs {
		out = append(out, r.ExpectedStartTime.Format("01-02 15:04"))
	}
	return out
}

// How far ahead runs are made is for the operator to say.
func TestTheHorizonIsASetting(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", `"schedules":[{"schedule":{"interval":3600}}]`)
		count := func() int { return len(h.runsOf(d)) }
		h.Upkeep.Ahead = core.Ahead{MinRuns: 1, MinTime: 5 * time.Hour}
		h.schedule(d)
		least := count()
		h.Upkeep.Ahead = core.Ahead{MinRuns: 50, MaxRuns: 9}
		h.schedule(d)
		most := count()
		h.Upkeep.Ahead = core.Ahead{MinRuns: 500, MaxRuns: 500, MaxTime: 24 * time.Hour}
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		if day := count(); least < 5 || least > 6 || most != 9 || day != 24 {
			t.Errorf("%d, %d and %d runs are made, want 5 or 6, 9 and 24", least, most, day)
		}
	})
}

func TestSchedulesMakeRuns(t *testing.T) {
	inHouses(t, func(h *house) {
		h.pool(`{"name":"p","type":"process"}`)
		d := h.deployment("d", `"work_pool_name":"p","tags":["mine"],"version":"7","parameters":{"x":1,"y":2},
			"schedules":[{"schedule":{"cron":"0 9 * * *","timezone":"America/New_York"},"parameters":{"y":3},"slug":"nine"},
			{"schedule":{"cron":"0 0 * * *"},"active":false}]`)
		h.schedule(d)
		// The clocks change on 8 March.
		h.equal("times", h.times(d), []string{"03-02 14:00", "03-03 14:00", "03-04 14:00"})
		r := h.runsOf(d)[0]
		schedule := d.Schedules[0].ID
		if d.Schedules[0].Slug == nil {
			schedule = d.Schedules[1].ID
		}
		key := "scheduled " + d.ID.String() + " " + schedule.String() + " 2026-03-02 09:00:00-05:00"
		kind, slug := "SCHEDULE", "nine"
		want := []any{key, []string{"auto-scheduled", "mine"}, "7", &api.CreatedBy{ID: &schedule, Type: &kind, DisplayValue: &slug}, true, "default", "p"}
		got := []any{*r.IdempotencyKey, r.Tags, *r.DeploymentVersion, r.CreatedBy, r.AutoScheduled, *r.WorkQueueName, *r.WorkPoolName}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if *r.State.Message != "Flow run scheduled" || *r.State.Name != "Scheduled" || !r.State.StateDetails.ScheduledTime.Equal(r.ExpectedStartTime.Time) {
			t.Errorf("the state is %+v", r.State)
		}
		if y, team := member(t, r.Parameters, "y"), member(t, r.Labels, "team"); y != 3.0 || team != "a" || member(t, r.Labels, "prefect.deployment.id") != d.ID.String() {
			t.Errorf("parameters %s, labels %s", r.Parameters, r.Labels)
		}
	})
}

func TestSchedulingAgainAddsOnlyWhatIsMissing(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", `"schedules":[{"schedule":{"cron":"0 * * * *"}}]`)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := h.ScheduleHungry(h.t.Context(), who); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		first := []string{"03-02 12:00", "03-02 13:00", "03-02 14:00"}
		h.equal("at first", h.times(d), first)
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		h.equal("at once again", h.times(d), first)
		h.pass(90 * time.Minute)
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		h.equal("after a while", h.times(d), append(first, "03-02 15:00", "03-02 16:00"))
	})
}

func TestChangesTakeRunsBack(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", `"schedules":[{"schedule":{"interval":3600,"anchor_date":"2026-03-02T12:30:00Z"},"slug":"a"}]`)
		h.schedule(d)
		h.run(d, `{"name":"by hand","state":{"type":"SCHEDULED","state_details":{"scheduled_time":"2026-03-05T00:00:00Z"}}}`)
		byHand := "03-05 00:00"
		h.equal("at first", h.times(d), []string{"03-02 12:30", "03-02 13:30", "03-02 14:30", byHand})
		h.ok(h.UpdateDeployment(h.t.Context(), who, d.ID, read[api.DeploymentUpdate](h.t, `{"schedules":[{"slug":"a","schedule":{"cron":"0 0 * * *"}}]}`)))
		h.equal("with another schedule", h.times(d), []string{byHand})
		h.schedule(d)
		h.equal("scheduled again", h.times(d), []string{"03-03 00:00", "03-04 00:00", "03-05 00:00", byHand})
		h.ok(h.PauseDeployment(h.t.Context(), who, d.ID))
		h.schedule(d)
		h.equal("paused", h.times(d), []string{byHand})
		h.ok(h.ResumeDeployment(h.t.Context(), who, d.ID))
		h.schedule(d)
		h.equal("resumed", h.times(d), []string{"03-03 00:00", "03-04 00:00", "03-05 00:00", byHand})
		h.ok(h.DeleteDeployment(h.t.Context(), who, d.ID))
		h.equal("deleted", h.times(d), []string{})
	})
}

func TestAShortScheduleMakesNoMoreThanAHundredRuns(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", `"schedules":[{"schedule":{"interval":1,"anchor_date":"2026-03-02T12:00:00Z"}}]`)
		h.schedule(d)
		if got := len(h.runsOf(d)); got != 100 {
			t.Errorf("%d runs", got)
		}
	})
}

func TestABrokenScheduleHoldsNobodyUp(t *testing.T) {
	inHouses(t, func(h *house) {
		over := h.deployment("over", `"schedules":[{"schedule":{"rrule":"DTSTART:20200101T000000\nRRULE:FREQ=DAILY;COUNT=1"}}]`)
		d := h.deployment("d", `"schedules":[{"schedule":{"cron":"0 * * * *"}}]`)
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		h.equal("over", h.times(over), []string{})
		h.equal("the other", h.times(d), []string{"03-02 12:00", "03-02 13:00", "03-02 14:00"})
	})
}

// The bar is three seconds after the last one was made; the rest is for machines that have
// other things to do.
func TestAThousandDeploymentsAreScheduledAtOnce(t *testing.T) {
	inHouses(t, func(h *house) {
		const deployments, patience = 1000, 30 * time.Second
		ids := make([]uuid.UUID, deployments)
		for i := range ids {
			ids[i] = h.deployment(fmt.Sprint("d", i), `"schedules":[{"schedule":{"cron":"`+fmt.Sprint(i%60)+` * * * *"}}]`).ID
		}
		began := time.Now()
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		took := time.Since(began)
		t.Logf("%d deployments in %s", deployments, took)
		if took > patience {
			t.Errorf("it took %s", took)
		}
		count := func() int {
			n, err := h.CountFlowRuns(h.t.Context(), who, core.Filters{})
			h.ok(err)
			return n
		}
		if n := count(); n != 3*deployments {
			t.Errorf("%d runs", n)
		}
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		h.ok(h.ScheduleDeployments(h.t.Context(), who, ids, h.UsualHorizon()))
		if n := count(); n != 3*deployments {
			t.Errorf("%d runs after more of the same", n)
		}
	})
}
