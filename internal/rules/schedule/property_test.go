package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/rules/schedule"
)

var zones = []string{"", "America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Pacific/Apia", "Antarctica/Troll", "Africa/Casablanca"}

// changes are days on which the clock changes somewhere in zones.
var changes = []string{"2026-03-08", "2026-11-01", "2026-03-29", "2026-10-25", "2026-04-05", "2026-10-04", "2011-12-30", "2026-02-15", "2026-03-22"}

func drawStart(t *rapid.T) time.Time {
	day, err := time.Parse(time.DateOnly, rapid.SampledFrom(changes).Draw(t, "day"))
	if err != nil {
		t.Fatal(err)
	}
	return day.Add(time.Duration(rapid.IntRange(-48*3600, 48*3600).Draw(t, "second")) * time.Second)
}

func drawCronField(low, high int) *rapid.Generator[string] {
	value := rapid.IntRange(low, high)
	return rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 4).Draw(t, "form") {
		case 0:
			return fmt.Sprint(value.Draw(t, "value"))
		case 1:
			return fmt.Sprintf("%d-%d", value.Draw(t, "low"), value.Draw(t, "high"))
		case 2:
			return fmt.Sprintf("*/%d", rapid.IntRange(1, high).Draw(t, "step"))
		case 3:
			return fmt.Sprintf("%d,%d", value.Draw(t, "one"), value.Draw(t, "two"))
		}
		return "*"
	})
}

func drawCron(t *rapid.T, tz string) (schedule.Schedule, error) {
	fields := []string{
		drawCronField(0, 59).Draw(t, "minute"), drawCronField(0, 23).Draw(t, "hour"), drawCronField(1, 31).Draw(t, "day"),
		drawCronField(1, 12).Draw(t, "month"), drawCronField(0, 6).Draw(t, "weekday"),
	}
	if rapid.Bool().Draw(t, "seconds") {
		fields = append(fields, drawCronField(0, 59).Draw(t, "second"))
	}
	return schedule.NewCron(strings.Join(fields, " "), tz, rapid.Bool().Draw(t, "dayOr"))
}

func drawRRule(t *rapid.T, tz string) (schedule.Schedule, error) {
	freq := rapid.SampledFrom([]string{"MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"})
	rule := func(label string) string {
		return fmt.Sprintf("FREQ=%s;INTERVAL=%d%s", freq.Draw(t, label), rapid.IntRange(1, 50).Draw(t, label+"Interval"),
			rapid.SampledFrom([]string{"", ";BYDAY=MO,-1FR", ";BYMONTHDAY=1,-1", ";BYHOUR=1,2,3", ";BYMINUTE=0,30", ";BYDAY=SU;BYSETPOS=-1"}).Draw(t, label+"By"))
	}
	text := "DTSTART:20110105T023000\nRRULE:" + rule("rule")
	text += rapid.SampledFrom([]string{"", "\nRRULE:" + rule("more"), "\nEXRULE:" + rule("less")}).Draw(t, "set")
	return schedule.NewRRule(text, tz)
}

func drawInterval(t *rapid.T, tz string) (schedule.Schedule, error) {
	seconds := rapid.SampledFrom([]int{60, 3600, 86400, 7 * 86400, 90000, 36 * 3600, 43200}).Draw(t, "interval")
	anchor := drawStart(t).AddDate(0, 0, rapid.IntRange(-400, 400).Draw(t, "anchor"))
	if tz == "" {
		tz = "UTC"
	}
	return schedule.NewInterval(time.Duration(seconds)*time.Second, anchor, tz)
}

func TestScheduleIsOneSetOfInstants(t *testing.T) {
	t.Parallel()
	for name, draw := range map[string]func(*rapid.T, string) (schedule.Schedule, error){
		"cron": drawCron, "rrule": drawRRule, "interval": drawInterval,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				s, err := draw(t, rapid.SampledFrom(zones).Draw(t, "zone"))
				if err != nil {
					t.Skip(err) // a rule that reaches none of its hours
				}
				checkSet(t, s)
			})
		})
	}
}

func checkSet(t *rapid.T, s schedule.Schedule) {
	from := drawStart(t)
	until := from.AddDate(0, 0, rapid.IntRange(0, 60).Draw(t, "days"))
	all := s.After(from, 60, until)
	for i, at := range all {
		if at.Before(from) || at.After(until) || i > 0 && !all[i-1].Before(at) {
			t.Fatalf("%v at %d of %v does not belong between %v and %v", at, i, all, from, until)
		}
	}
	if len(all) == 0 {
		return
	}
	i := rapid.IntRange(0, len(all)-1).Draw(t, "i")
	if got := s.After(all[i], len(all)-i, until); !slices.EqualFunc(got, all[i:], time.Time.Equal) {
		t.Fatalf("from its date %v on: got %v, want %v", all[i], got, all[i:])
	}
	if got := s.After(from, i, until); !slices.EqualFunc(got, all[:i], time.Time.Equal) {
		t.Fatalf("the first %d: got %v, want %v", i, got, all[:i])
	}
	between := from.Add(all[0].Sub(from) / 2)
	if got := s.After(between, len(all), until); !slices.EqualFunc(got, all, time.Time.Equal) {
		t.Fatalf("from %v, before the first: got %v, want %v", between, got, all)
	}
}

func FuzzSchedule(f *testing.F) {
	for _, c := range canonicalForms {
		f.Add(c.in)
	}
	for _, c := range refusedForms {
		f.Add(c.in)
	}
	f.Add(`{"cron":"*/5 0-23/2 L,15-w * 5#2,L3 9 2026/2"}`)
	f.Add(`{"rrule":"DTSTART;TZID=Europe/Berlin:20260101T090000 RRULE:FREQ=YEARLY;BYEASTER=-2;BYWEEKNO=-1,53;BYSETPOS=-366 EXDATE:20260101"}`)
	now := time.Date(2026, 11, 1, 5, 59, 59, 1000, time.UTC)
	f.Fuzz(func(t *testing.T, raw string) {
		canonical, err := schedule.Canonical(jsontext.Value(raw), now)
		if err != nil {
			return
		}
		s, err := schedule.Parse(canonical)
		if err != nil {
			t.Fatalf("%s is stored as %s, which can't be read: %v", raw, canonical, err)
		}
		dates := s.After(now, 20, now.AddDate(0, 0, 100))
		if !slices.IsSortedFunc(dates, time.Time.Compare) {
			t.Errorf("%s: %v is not ascending", raw, dates)
		}
	})
}
