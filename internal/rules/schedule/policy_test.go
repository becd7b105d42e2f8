package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/schedule"
)

func mustPolicy(t testing.TB, text string) *schedule.Policy {
	t.Helper()
	p, err := schedule.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func starts(moments []schedule.Moment) []string {
	out := make([]string, len(moments))
	for i, m := range moments {
		out[i] = m.Start.UTC().Format("01-02 15:04")
	}
	return out
}

func TestPoliciesSayWhenRunsArePlanned(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		cron, policy string
		n            int
		want         []string
	}{
		"none":            {"0 * * * *", ``, 2, []string{"03-02 12:00", "03-02 13:00"}},
		"starts later":    {"0 * * * *", `{"start_date":"2026-03-02T14:00:00Z"}`, 2, []string{"03-02 14:00", "03-02 15:00"}},
		"ends":            {"0 * * * *", `{"end_date":"2026-03-02T13:00:00Z"}`, 9, []string{"03-02 12:00", "03-02 13:00"}},
		"has ended":       {"0 * * * *", `{"end_date":"2026-03-02T10:00:00Z"}`, 9, []string{}},
		"a window":        {"0 * * * *", `{"blackouts":[{"start":"2026-03-02T12:30:00Z","end":"2026-03-02T15:00:00Z"}]}`, 3, []string{"03-02 12:00", "03-02 15:00", "03-02 16:00"}},
		"a long window":   {"* * * * *", `{"blackouts":[{"start":"2026-03-02T11:00:00Z","end":"2026-04-02T00:00:00Z"}]}`, 1, []string{"04-02 00:00"}},
		"windows overlap": {"0 0 * * *", `{"blackouts":[{"start":"2026-03-03","end":"2026-03-05"},{"start":"2026-03-04","end":"2026-03-07"}]}`, 1, []string{"03-07 00:00"}},
		"every weekend":   {"0 6 * * *", `{"blackouts":[{"schedule":{"cron":"0 0 * * 6"},"duration":172800}]}`, 6, []string{"03-03 06:00", "03-04 06:00", "03-05 06:00", "03-06 06:00", "03-09 06:00", "03-10 06:00"}},
		"all the time":    {"0 6 * * *", `{"blackouts":[{"schedule":{"cron":"0 0 * * *"},"duration":86400}]}`, 6, []string{}},
		"in a time zone":  {"0 * * * *", `{"blackouts":[{"schedule":{"cron":"0 9 * * *","timezone":"America/New_York"},"duration":7200}]}`, 4, []string{"03-02 12:00", "03-02 13:00", "03-02 16:00", "03-02 17:00"}},
	}
	for name, c := range cases {
		s, err := schedule.NewCron(c.cron, "", true)
		if err != nil {
			t.Fatal(err)
		}
		from := at(t, "2026-03-02T11:59Z")
		got := starts(mustPolicy(t, c.policy).Times(s, uuid.UUID{1}, from, from.AddDate(0, 0, 100), c.n))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", name, diff)
		}
	}
}

// TestManyTimes asks for more than one answer of a schedule holds.
func TestManyTimes(t *testing.T) {
	t.Parallel()
	daily, err := schedule.Parse(jsontext.Value(`{"cron":"0 3 * * *"}`))
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	got := (&schedule.Policy{}).Times(daily, uuid.Nil, from, from.AddDate(10, 0, 0), 2500)
	if len(got) != 2500 || !got[2499].Start.Equal(from.AddDate(0, 0, 2499).Add(3*time.Hour)) {
		t.Errorf("%d times, the last %v", len(got), got[len(got)-1].Start)
	}
}

func TestMissedTimes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		cron, policy, since string
		want                []string
	}{
		"none":              {"0 * * * *", ``, "2026-03-01T00:00Z", []string{}},
		"skipped":           {"0 * * * *", `{"catch_up":"skip"}`, "2026-03-01T00:00Z", []string{}},
		"the latest":        {"0 * * * *", `{"catch_up":"latest"}`, "2026-03-01T00:00Z", []string{"03-02 11:00"}},
		"all":               {"0 * * * *", `{"catch_up":"all"}`, "2026-03-02T08:30Z", []string{"03-02 09:00", "03-02 10:00", "03-02 11:00"}},
		"all within bounds": {"0 * * * *", `{"catch_up":"all","catch_up_limit":2}`, "2020-03-02T08:30Z", []string{"03-02 10:00", "03-02 11:00"}},
		"a dense schedule":  {"* * * * * *", `{"catch_up":"all","catch_up_limit":1}`, "1990-03-02T08:30Z", []string{"03-02 11:58"}},
		"not in blackouts":  {"0 * * * *", `{"catch_up":"all","blackouts":[{"start":"2026-03-02T10:00:00Z","end":"2026-03-02T11:00:00Z"}]}`, "2026-03-02T08:30Z", []string{"03-02 09:00", "03-02 11:00"}},
		"not after the end": {"0 * * * *", `{"catch_up":"all","end_date":"2026-03-02T09:00:00Z"}`, "2026-03-02T08:30Z", []string{"03-02 09:00"}},
		"nothing":           {"0 0 1 1 *", `{"catch_up":"all"}`, "2026-02-02T08:30Z", []string{}},
		"the clock is back": {"0 * * * *", `{"catch_up":"all"}`, "2026-03-03T08:30Z", []string{}},
	}
	for name, c := range cases {
		s, err := schedule.NewCron(c.cron, "", true)
		if err != nil {
			t.Fatal(err)
		}
		got := starts(mustPolicy(t, c.policy).Missed(s, uuid.UUID{1}, at(t, c.since), at(t, "2026-03-02T11:59Z")))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", name, diff)
		}
	}
}

// drawPolicy draws a policy of whatever its catch-up is, as a request has it.
func drawPolicy(t *rapid.T) *api.SchedulePolicy {
	in := &api.SchedulePolicy{Jitter: api.Some(api.Float(rapid.IntRange(0, 7200).Draw(t, "jitter")))}
	if rapid.Bool().Draw(t, "starts") {
		in.StartDate = api.Some(api.At(drawStart(t)))
	}
	if rapid.Bool().Draw(t, "ends") {
		in.EndDate = api.Some(api.At(drawStart(t).AddDate(5, 0, 0)))
	}
	var list []api.ScheduleBlackout
	for range rapid.IntRange(0, 3).Draw(t, "blackouts") {
		start, hours := drawStart(t), rapid.IntRange(1, 100).Draw(t, "hours")
		b := api.ScheduleBlackout{Start: api.Some(api.At(start)), End: api.Some(api.At(start.Add(time.Duration(hours) * time.Hour)))}
		if rapid.Bool().Draw(t, "recurs") {
			cron := fmt.Sprintf(`{"cron":"%d %d * * %d"}`, rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 6).Draw(t, "day"))
			b = api.ScheduleBlackout{Schedule: api.Some(jsontext.Value(cron)), Duration: api.Some(api.Float(3600 * hours))}
		}
		list = append(list, b)
	}
	in.Blackouts = api.Some(list)
	return in
}

// blacked says, slowly, whether a time lies in a window of a policy.
func blacked(t *rapid.T, in *api.SchedulePolicy, at time.Time) bool {
	for _, b := range in.Blackouts.Or(nil) {
		if windows, recurs := b.Schedule.Get(); recurs {
			s, err := schedule.Parse(windows)
			if err != nil {
				t.Fatal(err)
			}
			length := time.Duration(float64(b.Duration.Or(0))) * time.Second
			for _, begun := range s.After(at.Add(-length), 1000, at) {
				if at.Before(begun.Add(length)) {
					return true
				}
			}
		} else if !at.Before(b.Start.Or(api.Time{}).Time) && at.Before(b.End.Or(api.Time{}).Time) {
			return true
		}
	}
	return false
}

func TestPoliciesHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, err := drawCron(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Skip(err)
		}
		in, from, seed := drawPolicy(t), drawStart(t), uuid.UUID{byte(rapid.IntRange(0, 255).Draw(t, "seed"))}
		p, found := schedule.NewPolicy(in)
		if len(found) > 0 {
			t.Skip("ends before it starts")
		}
		until := from.AddDate(0, 1, 0)
		moments := p.Times(s, seed, from, until, 20)
		for _, m := range moments {
			late := m.Start.Sub(m.Nominal)
			switch {
			case late < 0 || late > p.Jitter:
				t.Fatalf("%s starts %s late", m.Nominal, late)
			case blacked(t, in, m.Nominal) || blacked(t, in, m.Start):
				t.Fatalf("%s (%s) is in a blackout", m.Start, m.Nominal)
			case m.Start.Before(from) || m.Nominal.After(until) || m.Nominal.Before(p.Start) || !p.End.IsZero() && m.Start.After(p.End):
				t.Fatalf("%s is out of bounds", m.Start)
			}
		}
		if len(moments) > 1 {
			// Whoever asks later gets the same answer.
			again := p.Times(s, seed, moments[1].Nominal, until, 20)
			for _, m := range again {
				if m.Nominal.Equal(moments[1].Nominal) && !m.Start.Equal(moments[1].Start) {
					t.Fatalf("%s starts at %s and at %s", m.Nominal, m.Start, moments[1].Start)
				}
			}
		}
		plain := (&schedule.Policy{}).Times(s, seed, from, until, 20)
		for i, nominal := range s.After(from, 20, until) {
			if !plain[i].Nominal.Equal(nominal) || !plain[i].Start.Equal(nominal) {
				t.Fatalf("without a policy %s became %s", nominal, plain[i].Start)
			}
		}
	})
}

func TestJitterSpreads(t *testing.T) {
	t.Parallel()
	s, err := schedule.NewCron("0 0 * * *", "", true)
	if err != nil {
		t.Fatal(err)
	}
	p, from, early := mustPolicy(t, `{"jitter":600}`), at(t, "2026-03-02T00:00Z"), 0
	for i := range 1000 {
		m := p.Times(s, uuid.UUID{byte(i), byte(i >> 8)}, from, time.Time{}, 1)[0]
		if m.Start.Sub(m.Nominal) < 5*time.Minute {
			early++
		}
	}
	if early < 400 || early > 600 {
		t.Errorf("%d of 1000 schedules start in the first half", early)
	}
}

func TestPoliciesAreChecked(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		`{"start_date":"2026-02-01","end_date":"2026-01-01"}`:                    `["end_date"]`,
		`{"blackouts":[{"start":"2026-02-01"}]}`:                                 `["blackouts",0]`,
		`{"blackouts":[{"start":"2026-02-01","end":"2026-02-01"}]}`:              `["blackouts",0,"end"]`,
		`{"blackouts":[{"start":"2026-02-01","end":"2026-02-02","duration":3}]}`: `["blackouts",0]`,
		`{"blackouts":[{"schedule":{"cron":"x"},"duration":3}]}`:                 `["blackouts",0,"schedule","CronSchedule","cron"]`,
		`{"blackouts":[{"schedule":{"interval":60},"duration":3}]}`:              `["blackouts",0,"schedule","IntervalSchedule","anchor_date"]`,
		`{"blackouts":[{"start":"2026-02-01","end":"2026-02-02"},{}]}`:           `["blackouts",1]`,
	}
	for text, want := range cases {
		var in api.SchedulePolicy
		if err := api.Decode([]byte(text), &in); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		found := schedule.CheckPolicy(api.Some(in))
		if len(found) == 0 {
			t.Errorf("%s is taken", text)
			continue
		}
		if loc, _ := json.Marshal(found[0].Loc); string(loc) != want {
			t.Errorf("%s is wrong at %s, want %s", text, loc, want)
		}
	}
	for _, text := range []string{
		`{"catch_up":"some"}`, `{"catch_up_limit":0}`, `{"catch_up_limit":1001}`, `{"overlap":"never"}`, `{"jitter":-1}`, `{"jitter":86401}`,
		`{"end_date":"soon"}`, `{"end":"2026-01-01"}`, `{"blackouts":[{"schedule":{"cron":"* * * * *"},"duration":0}]}`, `{"overlap":null}`,
	} {
		if err := api.Decode([]byte(text), &api.SchedulePolicy{}); api.CodeOf(err) != api.CodeInvalid {
			t.Errorf("%s: %v", text, err)
		}
	}
}
