package states

import (
	"math"
	"strings"
	"time"

	"github.com/google/uuid"
)

const tagPrefix = "tag:"

// secureTagSlots takes a slot of every limit on the task run's tags, or of none.
var secureTagSlots = rule{
	name: "secure tag slots", from: anything, to: running,
	reads: NeedTagLimits,
	before: func(t *transition) {
		limits, tags := t.activeTagLimits()
		if len(limits) == 0 {
			return
		}
		full := false
		ids := make([]uuid.UUID, len(limits))
		for i, limit := range limits {
			if limit.Limit == 0 {
				t.abort(`The concurrency limit on tag "` + tags[i] +
					`" is 0 and will deadlock if the task tries to run again.`)
				return
			}
			full = full || limit.isFull()
			ids[i] = limit.ID
		}
		if full {
			t.wait(t.tagWait(limits), "Concurrency limit reached for tags: "+strings.Join(tags, ", "))
			return
		}
		t.effects.Acquire = &Acquire{LeaseID: t.in.Draw.Lease, LimitIDs: ids}
	},
	cleanup: func(t *transition) { t.effects.Acquire = nil },
}

// releaseTagSlots gives all slots of a task run back when it does not run. Clients may
// have taken some for tags that it does not have; those go when it ends.
var releaseTagSlots = rule{
	name: "release tag slots", from: anything, to: anything, always: true,
	after: func(t *transition) {
		to := setOf(t.proposed)
		t.effects.ReleaseTaskRun = to.has(terminal) || len(t.in.Tags) > 0 && !to.has(running|cancelling)
	},
}

func (t *transition) activeTagLimits() (limits []*Limit, tags []string) {
	for i := range t.in.TagLimits {
		if limit := &t.in.TagLimits[i]; limit.Active {
			limits = append(limits, limit)
			tags = append(tags, strings.TrimPrefix(limit.Name, tagPrefix))
		}
	}
	return limits, tags
}

// tagWait returns seconds that scatter around the time a slot of the fullest limit is
// usually held, so that waiting task runs don't all come back at once.
func (t *transition) tagWait(limits []*Limit) int {
	fullest := limits[0]
	for _, limit := range limits[1:] {
		if limit.ActiveSlots*fullest.Limit > fullest.ActiveSlots*limit.Limit {
			fullest = limit
		}
	}
	average := fullest.AverageOccupancy
	if average <= 0 || average > t.settings.TagSlotWait {
		average = t.settings.TagSlotWait
	}
	return int(math.RoundToEven(scatter(average, 0.3, t.in.Draw.Random).Seconds()))
}

// scatter draws from an exponential distribution around average that is cut at
// average·(1+factor), and below so that the average stays about where it is. random is
// uniform in [0, 1).
func scatter(average time.Duration, factor, random float64) time.Duration {
	if average <= 0 || factor <= 0 {
		return average
	}
	upper := 1 + factor
	lower := 0.0
	if upper < 50 { // beyond, the bound is 0 and its formula overflows
		lower = math.Log2(math.Exp2(upper) / (math.Exp2(upper) - 1))
	}
	least, most := 1-math.Exp(-lower), 1-math.Exp(-upper)
	draw := -math.Log(max(1-(least+random*(most-least)), 1e-10))
	return time.Duration(draw * float64(average))
}
