package heartbeat

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/api"
)

var begin = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// TestALivingRunIsNeverTakenForDead lets runs live: attempts of any length, each with a
// heartbeat at its start and then one per interval, that come in with any delay.
func TestALivingRunIsNeverTakenForDead(t *testing.T) {
	t.Parallel()
	terms := Terms{Usual: 3 * time.Minute, Missed: 2}
	rapid.Check(t, func(t *rapid.T) {
		every := time.Duration(rapid.IntRange(30, 180).Draw(t, "every")) * time.Second
		sent, heard := begin, begin
		var pulse *Pulse
		for attempt := range rapid.IntRange(1, 4).Draw(t, "attempts") {
			state := uuid.UUID{byte(attempt)}
			for range rapid.IntRange(1, 5).Draw(t, "beats") {
				arrival := sent.Add(time.Duration(rapid.IntRange(0, int(every/time.Second)).Draw(t, "delay")) * time.Second)
				if pulse != nil && arrival.After(heard) && arrival.Sub(heard) > terms.Silence(pulse) {
					t.Fatalf("silent for %s, may be for %s", arrival.Sub(heard), terms.Silence(pulse))
				}
				if arrival.After(heard) {
					heard = arrival
				}
				next := Next(pulse, state, api.At(sent), api.At(heard))
				pulse = &next
				sent = sent.Add(every)
			}
			sent = sent.Add(-time.Duration(rapid.Int64Range(0, int64(every)).Draw(t, "cut short")))
		}
		if limit := time.Duration(terms.Missed) * max(every, terms.Usual); terms.Silence(pulse) > limit {
			t.Fatalf("may be silent for %s, more than %s", terms.Silence(pulse), limit)
		}
	})
}

func TestTheIntervalIsLearned(t *testing.T) {
	t.Parallel()
	one, two := uuid.UUID{1}, uuid.UUID{2}
	at := func(seconds int) api.Time { return api.At(begin.Add(time.Duration(seconds) * time.Second)) }
	pulse := Next(nil, one, at(0), at(0))
	steps := []struct {
		what  string
		state uuid.UUID
		sent  int
		want  time.Duration
	}{
		{"in one state", one, 60, time.Minute},
		{"a new attempt", two, 70, time.Minute},
		{"an older one comes late", two, 10, time.Minute},
		{"the same again", two, 70, time.Minute},
		{"the next of the attempt", two, 160, 90 * time.Second},
		{"two at once", two, 161, 30 * time.Second},
	}
	for _, s := range steps {
		if pulse = Next(&pulse, s.state, at(s.sent), at(s.sent)); pulse.Every != s.want {
			t.Errorf("%s: %s, want %s", s.what, pulse.Every, s.want)
		}
	}
}
