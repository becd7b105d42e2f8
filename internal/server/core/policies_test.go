package core_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// hourly is a deployment with one schedule of every hour, on the hour.
func (h *house) hourly(policy string) *api.DeploymentResponse {
	h.t.Helper()
	d := h.deployment("d", `"schedules":[{"schedule":{"cron":"0 * * * *"},"policy":`+policy+`}]`)
	h.ok(h.ScheduleHungry(h.t.Context(), who))
	return d
}

// The server is down from noon, when it has planned until 14:00, until shortly before 18:00.
func TestSchedulesCatchUp(t *testing.T) {
	for policy, want := range map[string]string{
		`{}`:                                    "12:00 13:00 14:00 18:00 19:00 20:00",
		`{"catch_up":"skip"}`:                   "12:00 13:00 14:00 18:00 19:00 20:00",
		`{"catch_up":"latest"}`:                 "12:00 13:00 14:00 17:00 18:00 19:00 20:00",
		`{"catch_up":"all"}`:                    "12:00 13:00 14:00 15:00 16:00 17:00 18:00 19:00 20:00",
		`{"catch_up":"all","catch_up_limit":2}`: "12:00 13:00 14:00 16:00 17:00 18:00 19:00 20:00",
		`{"catch_up":"all","end_date":"2026-03-02T16:00Z"}`: "12:00 13:00 14:00 15:00 16:00",
	} {
		t.Run(policy, func(t *testing.T) {
			inHouses(t, func(h *house) {
				d := h.hourly(policy)
				h.pass(6*time.Hour - 10*time.Minute)
				var both sync.WaitGroup
				for range 2 {
					both.Go(func() {
						if err := h.ScheduleHungry(h.t.Context(), who); err != nil {
							t.Error(err)
						}
					})
				}
				both.Wait()
				h.same("times", clocks(h.times(d)), want)
				h.ok(h.ScheduleHungry(h.t.Context(), who))
				h.same("once", clocks(h.times(d)), want)
			})
		})
	}
}

func (h *house) same(what, got, want string) {
	h.t.Helper()
	h.equal(what, []string{got}, []string{want})
}

// clocks leaves the days out.
func clocks(times []string) string {
	return strings.ReplaceAll(strings.Join(times, " "), "03-02 ", "")
}

func TestAPauseIsNotMadeUpFor(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.hourly(`{"catch_up":"all"}`)
		h.ok(h.PauseDeployment(h.t.Context(), who, d.ID))
		h.pass(6 * time.Hour)
		h.ok(h.ResumeDeployment(h.t.Context(), who, d.ID))
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		h.same("times", clocks(h.times(d)), "18:00 19:00 20:00")
	})
}

func TestPoliciesAreKeptAndTakenAway(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", `"schedules":[{"schedule":{"cron":"0 * * * *"},"slug":"a","policy":{"jitter":60,"end_date":"2026-03-02T13:00:00Z"}},
			{"schedule":{"cron":"0 0 * * *"},"slug":"b","policy":{}}]`)
		h.same("as made", policies(h, d), `a {"jitter":60.0,"end_date":"2026-03-02T13:00:00Z"}, b `)
		id := d.Schedules[0].ID
		if *d.Schedules[0].Slug != "a" {
			id = d.Schedules[1].ID
		}
		h.ok(h.UpdateSchedule(h.t.Context(), who, d.ID, id, read[api.DeploymentScheduleUpdate](h.t, `{"active":false}`)))
		h.ok(h.UpdateDeployment(h.t.Context(), who, d.ID, read[api.DeploymentUpdate](h.t, `{"schedules":[{"slug":"a","active":true},{"slug":"b","policy":{"overlap":"skip"}}]}`)))
		h.same("not mentioned, set", policies(h, d), `a {"jitter":60.0,"end_date":"2026-03-02T13:00:00Z"}, b {"overlap":"skip"}`)
		h.ok(h.UpdateSchedule(h.t.Context(), who, d.ID, id, read[api.DeploymentScheduleUpdate](h.t, `{"policy":null}`)))
		h.same("taken away", policies(h, d), `a , b {"overlap":"skip"}`)
		text, err := json.Marshal(must[*api.DeploymentResponse](t)(h.Deployment(h.t.Context(), who, d.ID)))
		if err != nil || strings.Count(string(text), `"policy":`) != 1 {
			t.Errorf("%s, %v", text, err)
		}
	})
}

// policies are those of a deployment's schedules, by slug.
func policies(h *house, d *api.DeploymentResponse) string {
	h.t.Helper()
	list, err := h.Schedules(h.t.Context(), who, d.ID)
	h.ok(err)
	var out []string
	for _, s := range list {
		out = append(out, *s.Slug+" "+string(s.Policy))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// take proposes Pending for the n-th run of a deployment and tells its state.
func (h *house) take(d *api.DeploymentResponse, n int) string {
	h.t.Helper()
	return h.propose(d, n, `{"state":{"type":"PENDING"}}`)
}

func (h *house) propose(d *api.DeploymentResponse, n int, text string) string {
	h.t.Helper()
	result, _, err := h.SetFlowRunState(h.t.Context(), who, h.runsOf(d)[n].ID, read[api.SetFlowRunStateRequest](h.t, text))
	if err != nil {
		h.t.Error(err)
		return ""
	}
	return *result.State.Name
}

func TestOfTwoClaimersOneStartsARunOfTheSchedule(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.hourly(`{"overlap":"skip"}`)
		h.pass(2*time.Hour + time.Minute)
		names := make([]string, 3)
		var all sync.WaitGroup
		for i := range names {
			all.Go(func() { names[i] = h.take(d, i) })
		}
		all.Wait()
		started := strings.Count(strings.Join(names, " "), "Pending")
		if skipped := strings.Count(strings.Join(names, " "), "Skipped"); started != 1 || skipped != 2 {
			t.Errorf("%v", names)
		}
	})
}

func TestWhatOverlapsIsSkippedOrWaits(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.hourly(`{"overlap":"skip"}`)
		h.pass(3 * time.Hour)
		h.same("the first", h.take(d, 0), "Pending")
		h.same("the second", h.take(d, 1), "Skipped")
		h.ok(h.MarkLateRuns(h.t.Context(), who))
		h.same("the third, that nobody took", *h.runsOf(d)[2].State.Name, "Skipped")
		h.same("the end", h.propose(d, 0, `{"state":{"type":"COMPLETED"},"force":true}`), "Completed")
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		h.same("the fourth", h.take(d, 3), "Pending")

		h.ok(h.UpdateSchedule(h.t.Context(), who, d.ID, d.Schedules[0].ID, read[api.DeploymentScheduleUpdate](h.t, `{"policy":{"overlap":"queue"}}`)))
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		h.same("the fifth", h.take(d, 4), "AwaitingConcurrencySlot")
		h.same("the end of the fourth", h.propose(d, 3, `{"state":{"type":"COMPLETED"},"force":true}`), "Completed")
		h.same("the fifth, later", h.take(d, 4), "Pending")
	})
}

func TestAQueueKeepsItsOrder(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.hourly(`{"overlap":"queue"}`)
		h.pass(2*time.Hour + time.Minute)
		h.same("the first", h.take(d, 0), "Pending")
		h.same("the third", h.take(d, 2), "AwaitingConcurrencySlot")
		h.same("the second", h.take(d, 1), "AwaitingConcurrencySlot")
		h.dueIn(d, 1, 30*time.Second)
		h.same("the end of the first", h.propose(d, 0, `{"state":{"type":"FAILED"},"force":true}`), "Failed")
		h.dueIn(d, 1, 0)
		h.dueIn(d, 2, 30*time.Second)
		h.same("the third, before the second", h.take(d, 2), "AwaitingConcurrencySlot")
		h.same("the second, now", h.take(d, 1), "Pending")
		h.same("the end of the second", h.propose(d, 1, `{"state":{"type":"COMPLETED"},"force":true}`), "Completed")
		h.dueIn(d, 2, 0)
		h.same("the third, now", h.take(d, 2), "Pending")
	})
}

// dueIn compares when the n-th run of a deployment is due with the clock.
func (h *house) dueIn(d *api.DeploymentResponse, n int, want time.Duration) {
	h.t.Helper()
	due := h.runsOf(d)[n].NextScheduledStartTime
	if due == nil || due.Sub(h.clock()).Round(time.Second) != want {
		h.t.Errorf("run %d is due at %v, want %s from %v", n, due, want, h.clock())
	}
}

func TestTheLatestRunOvertakes(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.hourly(`{"overlap":"cancel_running"}`)
		h.pass(2 * time.Minute)
		h.same("the first", h.take(d, 0), "Pending")
		h.pass(2 * time.Hour)
		h.same("the second, with the third due", h.take(d, 1), "Skipped")
		h.same("the third", h.take(d, 2), "AwaitingConcurrencySlot")
		h.same("the first, asked to stop", *h.runsOf(d)[0].State.Name, "Cancelling")
		h.dueIn(d, 2, 30*time.Second)
		h.same("the first, stopped", h.propose(d, 0, `{"state":{"type":"CANCELLED"}}`), "Cancelled")
		h.dueIn(d, 2, 0)
		h.same("the third, now", h.take(d, 2), "Pending")
	})
}

func TestOnlyTheLatestOfThoseThatWaitedIsRun(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.hourly(`{"catch_up":"latest"}`)
		h.pass(6 * time.Hour)
		h.ok(h.ScheduleHungry(h.t.Context(), who))
		h.same("times", clocks(h.times(d)), "12:00 13:00 14:00 17:00 18:00 19:00 20:00")
		h.same("the latest", h.take(d, 3), "Pending")
		h.same("one before", h.take(d, 2), "Skipped")
		h.same("the first", h.take(d, 0), "Skipped")
		h.pass(2 * time.Minute)
		h.same("the next", h.take(d, 4), "Pending")
	})
}
