package limits_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/rules/limits"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestSlotsDecay(t *testing.T) {
	t.Parallel()
	l := limits.Limit{Limit: 5, Active: true, Taken: 5, Decay: 0.5, Updated: noon}
	if l.Fits(1, noon.Add(1900*time.Millisecond)) {
		t.Error("a slot was free before it had decayed")
	}
	if !l.Fits(1, noon.Add(2*time.Second)) || l.Fits(2, noon.Add(2*time.Second)) {
		t.Error("one slot is free after two seconds at half a slot a second")
	}
}

func TestInactiveLimitsLetEverythingPass(t *testing.T) {
	t.Parallel()
	l := limits.Limit{Limit: 0, Updated: noon}
	if !l.Fits(9, noon) || l.Acquired(9, noon).Taken != 0 {
		t.Error("an inactive limit held something back")
	}
}

func TestAverageFollowsOccupancy(t *testing.T) {
	t.Parallel()
	l := limits.Limit{Limit: 1, Active: true, Taken: 1, Occupancy: 2, Updated: noon}
	held := 4 * time.Second
	if got := l.Released(1, &held, noon); got.Occupancy != 3 || got.Taken != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestTakingAndGivingBackIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := limits.Limit{Limit: rapid.IntRange(0, 10).Draw(t, "limit"), Active: true, Occupancy: 2, Updated: noon}
		now := noon
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond)
			n := rapid.IntRange(1, 4).Draw(t, "slots")
			if rapid.Bool().Draw(t, "take") {
				if l.Fits(n, now) {
					l = l.Acquired(n, now)
				}
			} else {
				l = l.Released(n, nil, now)
			}
			if l.Taken < 0 || l.Taken > l.Limit {
				t.Fatalf("%d slots of %d are taken", l.Taken, l.Limit)
			}
		}
	})
}

func TestRetryAfterScattersAroundTheAverage(t *testing.T) {
	t.Parallel()
	full := []limits.Limit{{Name: "x", Limit: 1, Active: true, Taken: 1, Occupancy: 2}}
	low, high := limits.RetryAfter(full, 1, 0), limits.RetryAfter(full, 1, 0.999999)
	if low <= 0 || low >= 2*time.Second || high <= 2*time.Second || high > 2600*time.Millisecond+time.Millisecond {
		t.Errorf("got %v to %v around 2s", low, high)
	}
	if got := limits.RetryAfter(nil, 1, 0.5); got != 0 {
		t.Errorf("nothing is full, yet wait %v", got)
	}
}
