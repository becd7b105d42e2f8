package timed_test

import (
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/worker/timed"
)

func TestReadingGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	const log = "2026-01-02T03:04:05.1Z one\n2026-01-02T03:04:05.25+00:00 two words\nno time\n2026-01-02T03:04:06Z three"
	var got strings.Builder
	keep := func(text []byte) { got.Write(text) }
	last, err := timed.Lines(strings.NewReader(log), time.Date(2026, 1, 2, 3, 4, 5, 100_000_000, time.UTC), keep)
	if err != nil || got.String() != "two words\nno time\nthree" {
		t.Errorf("%q %v", got.String(), err)
	}
	if want := time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC); !last.Equal(want) {
		t.Errorf("last %v, want %v", last, want)
	}
}

func TestTheTailIsTheEnd(t *testing.T) {
	t.Parallel()
	var tail timed.Tail
	for range 200 {
		tail.Add([]byte("early\n"))
	}
	for range 49 {
		tail.Add([]byte("late\r\n"))
	}
	tail.Add([]byte(strings.Repeat("x", 5000) + "\xff"))
	got := strings.Split(tail.String(), "\n")
	if len(got) != 50 || got[0] != "late" || len(got[49]) != 2000 {
		t.Errorf("%d lines, %q … %d bytes", len(got), got[0], len(got[len(got)-1]))
	}
}
