package replica

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Transactions take numbers in order and commit in any; some never do. Whatever the
// interleaving, a reader that follows gets each row once, and none that was there before.
func TestEachRowIsReadOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		total := rapid.IntRange(1, 60).Draw(t, "rows")
		var running, visible []int64
		next := int64(0)
		var p *place
		before, got := map[int64]bool{}, map[int64]int{}
		step := func() {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				next++
				running = append(running, next)
			case 2:
				if len(running) > 0 {
					i := rapid.IntRange(0, len(running)-1).Draw(t, "which")
					if rapid.IntRange(0, 4).Draw(t, "fails") > 0 {
						visible = append(visible, running[i])
					}
					running = slices.Delete(running, i, i+1)
				}
			default:
				readOnce(p, visible, got, now)
			}
			now = now.Add(10 * time.Millisecond)
		}
		p = placeAt(nil, now)
		start := rapid.IntRange(0, total).Draw(t, "start")
		for i := range total * 3 {
			if i == start {
				for _, seq := range visible {
					before[seq] = true
				}
				newest := slices.Clone(visible)
				slices.Sort(newest)
				slices.Reverse(newest)
				p, got = placeAt(newest, now), map[int64]int{}
			}
			step()
		}
		visible = append(visible, running...)
		readOnce(p, visible, got, now)
		for _, seq := range visible {
			first := int64(0)
			if len(before) > 0 {
				first = smallest(before)
			}
			if want := 1; !before[seq] && seq > first && got[seq] != want || before[seq] && start < total*3 && got[seq] != 0 {
				t.Fatalf("row %d was read %d times (there before: %v)", seq, got[seq], before[seq])
			}
		}
	})
}

func smallest(set map[int64]bool) int64 {
	low := int64(1 << 62)
	for seq := range set {
		low = min(low, seq)
	}
	return low
}

func readOnce(p *place, visible []int64, got map[int64]int, now time.Time) {
	ask := p.ask()
	var read []int64
	for _, seq := range visible {
		if seq > ask.After || slices.Contains(ask.Missing, seq) {
			read = append(read, seq)
			got[seq]++
		}
	}
	slices.Sort(read)
	p.took(read, now)
}

func TestRowsThatNeverComeAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	p := placeAt(nil, now)
	p.took([]int64{3, 1 << 40}, now)
	if n := len(p.ask().Missing); n != mostMissing {
		t.Errorf("%d are waited for", n)
	}
	p.took(nil, now.Add(missingFor+time.Second))
	if n := len(p.ask().Missing); n != 0 {
		t.Errorf("%d are waited for after a while", n)
	}
}
