package eventcount_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/eventcount"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	got, err := api.ParseTime(text)
	if err != nil {
		t.Fatal(err)
	}
	return got.Time
}

func TestSpansAreAlignedAndCountWhatFalls(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-03-04T10:20:30Z") // a Wednesday
	s, err := eventcount.New(api.TimeUnitWeek, 1, at(t, "2026-02-26T00:00:00Z"), at(t, "2030-01-01T00:00:00Z"), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"2026-02-22T23:59:59Z", "2026-02-23T00:00:00Z", "2026-03-01T23:59:59.999999Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"} {
		s.Add(at(t, when))
	}
	type span struct {
		Label, End string
		Count      int
	}
	var got []span
	for _, c := range s.Counts() {
		got = append(got, span{c.Label, c.EndTime.Format(time.RFC3339Nano), c.Count})
	}
	want := []span{
		{"2026-02-23T00:00:00+00:00", "2026-03-01T23:59:59.999999Z", 2},
		{"2026-03-02T00:00:00+00:00", "2026-03-08T23:59:59.999999Z", 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

func TestTooManySpansAreRefused(t *testing.T) {
	t.Parallel()
	since := at(t, "2026-01-01T00:00:00Z")
	if err := eventcount.Check(api.TimeUnitSecond, 1, since, since.Add(1000*time.Second)); err != nil {
		t.Error(err)
	}
	if err := eventcount.Check(api.TimeUnitSecond, 1, since, since.Add(1001*time.Second)); api.CodeOf(err) != api.CodeInvalid {
		t.Errorf("1001 spans: %v", err)
	}
}

func TestIntervalsBeyondAllYearsAreRefused(t *testing.T) {
	t.Parallel()
	since := at(t, "2026-01-01T00:00:00Z")
	for _, interval := range []float64{1e7, 1e12, 1e300} {
		if err := eventcount.Check(api.TimeUnitWeek, interval, since, since.Add(time.Hour)); err != nil {
			t.Errorf("interval %g: %v", interval, err)
		}
		if _, err := eventcount.New(api.TimeUnitWeek, interval, since, since.Add(time.Hour), since); api.CodeOf(err) != api.CodeInvalid {
			t.Errorf("interval %g: %v", interval, err)
		}
	}
	s, err := eventcount.New(api.TimeUnitHour, 1e7, since, since.Add(time.Hour), since.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Counts(); len(got) != 1 || got[0].EndTime.Year() != 3165 {
		t.Errorf("ten million hours: %+v", got)
	}
}
