package states

import "github.com/usherhq/usher/internal/api"

const (
	overlaps   = "Another run of the schedule has not ended yet."
	superseded = "A later run of the schedule is due already."
	notNext    = "An earlier run of the schedule has not begun yet."
)

// keepToSchedulePolicy decides about a run of a schedule that a worker wants to start: it
// may have been overtaken by a later one, and it may find another one still at work.
var keepToSchedulePolicy = rule{
	name: "keep to schedule policy", from: scheduled, to: pending,
	reads: NeedSiblings,
	before: func(t *transition) {
		s := t.in.Siblings
		if s == nil || t.run.RunCount > 0 {
			return
		}
		switch {
		case s.HasLater && (s.Latest || s.Overlap == api.ScheduleOverlapCancelRunning):
			t.skip(superseded)
		case s.Overlap == api.ScheduleOverlapQueue && len(s.Begun) == 0 && !s.IsNext:
			t.rejectWith(t.scheduledAfter(nameAwaitingConcurrencySlot, t.settings.SlotWait), notNext)
		case len(s.Begun) == 0 || s.Overlap == api.ScheduleOverlapAllow:
		case s.Overlap == api.ScheduleOverlapSkip:
			t.skip(overlaps)
		case s.Overlap == api.ScheduleOverlapQueue:
			t.rejectWith(t.scheduledAfter(nameAwaitingConcurrencySlot, t.settings.SlotWait), overlaps)
		default:
			t.effects.Overtake = true
			t.rejectWith(t.scheduledAfter(nameAwaitingConcurrencySlot, t.settings.SlotWait), overlaps)
		}
	},
}

// skipLateOverlap skips what overlaps also when no worker comes to take it, so that it is
// not started when the other one has ended.
var skipLateOverlap = rule{
	name: "skip late overlap", from: scheduled, to: scheduled,
	reads: NeedSiblings,
	before: func(t *transition) {
		s := t.in.Siblings
		if s != nil && nameOf(t.proposed) == nameLate && t.run.RunCount == 0 && s.Overlap == api.ScheduleOverlapSkip && len(s.Begun) > 0 {
			t.skip(overlaps)
		}
	},
}

func (t *transition) skip(reason string) {
	t.rejectWith(t.replacement(api.StateTypeCancelled, nameSkipped, reason), reason)
}
