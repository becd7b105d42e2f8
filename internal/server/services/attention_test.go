package services

import (
	"testing"
	"time"

	"github.com/usherhq/usher/internal/server/core"
)

func TestOnlyTimeWithoutABreakIsAttended(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	a := attend(&core.Core{Clock: func() time.Time { return now }})
	for _, step := range []struct {
		what   string
		passed time.Duration
		fails  bool
		want   time.Duration // attended so far
	}{
		{"a turn", 5 * time.Second, false, 5 * time.Second},
		{"a late one", 40 * time.Second, false, 45 * time.Second},
		{"the machine sleeps", time.Hour, false, 0},
		{"a turn", 10 * time.Second, false, 10 * time.Second},
		{"the clock is set back", -time.Hour, false, 0},
		{"a turn without the database", 10 * time.Second, true, 10 * time.Second},
		{"a turn", 5 * time.Second, false, 5 * time.Second},
		{"the clock is set ahead", 2 * time.Hour, false, 0},
	} {
		now = now.Add(step.passed)
		if got := now.Sub(a.since()); got != step.want {
			t.Errorf("%s: %s are attended, want %s", step.what, got, step.want)
		}
		if step.fails {
			a.lost()
		}
	}
}
