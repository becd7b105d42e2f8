package frugal

import (
	"testing"
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
