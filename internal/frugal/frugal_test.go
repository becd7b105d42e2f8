package frugal

import (
	"testing"
	"time"
)

func TestGovernor(t *testing.T) {
	t.Parallel()
	var g governor
	for _, share := range []float64{0, 0.5, 0.8, crowded} {
		if g.judge(share) {
			t.Fatalf("%v of a processor take more than one", share)
		}
	}
	if !g.judge(0.9) {
		t.Fatal("a processor that is full stays the only one")
	}
	for round := range 3 { // what comes in between begins the count anew
		for range patience - 1 {
			if !g.judge(0.1) {
				t.Fatal("gave up too early")
			}
		}
		if round < 2 && !g.judge(1.5) {
			t.Fatal("gave up while there was much to do")
		}
	}
	if g.judge(0.1) {
		t.Error("all processors stay in use though there is little to do")
	}
}

func TestANapBeginsAfterWorkOnly(t *testing.T) {
	t.Parallel()
	n := nap{patience: patience}
	looks := func(times int, used time.Duration) (begun int) {
		for range times {
			if n.begins(used, float64(used)/float64(look)) {
				begun++
			}
		}
		return begun
	}
	for _, step := range []struct {
		what  string
		times int
		used  time.Duration
		want  int
	}{
		{"nothing was done", 10 * patience, 0, 0},
		{"much is done", 100, look / 2, 0},
		{"the work is just over", patience - 1, 0, 0},
		{"something comes in between", 1, look, 0},
		{"the work is just over again", patience - 1, 0, 0},
		{"it is over", 1, 0, 1},
		{"nothing more was done", 10 * patience, time.Millisecond / 10, 0},
	} {
		if got := looks(step.times, step.used); got != step.want {
			t.Errorf("%s: %d naps, want %d", step.what, got, step.want)
		}
	}
}
