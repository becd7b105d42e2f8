package schedule

import (
	"iter"
	"time"
)

// Schedule is a set of instants. Values are immutable and safe for concurrent use.
type Schedule interface {
	// After returns the first n instants from t on, t and until included, ascending and in
	// the zone of the schedule. A zero until means no end; n is capped at 1,000.
	After(t time.Time, n int, until time.Time) []time.Time
	// Kind is the schedule's name in run records: IntervalSchedule, CronSchedule or RRuleSchedule.
	Kind() string
}

// maxDates bounds one answer of After, as the reference does.
const maxDates = 1000

// Label prints an instant of a schedule as idempotency keys carry it, with the offset of the
// schedule's zone and microseconds only where there are any: 2026-11-23 12:00:00+00:00.
func Label(at time.Time) string {
	layout := "2006-01-02 15:04:05-07:00"
	if at.Nanosecond()/1000 != 0 {
		layout = "2006-01-02 15:04:05.000000-07:00"
	}
	return at.Format(layout)
}

// take answers After for schedules that are sequences of ascending wall-clock times. The
// sequence must start at or before the earliest wall time that can stand for t.
func (z zone) take(walls iter.Seq[time.Time], t time.Time, n int, until time.Time) []time.Time {
	n = min(n, maxDates)
	var out []time.Time
	for wall := range walls {
		at, skipped := z.instant(wall)
		over := isPast(at, until)
		// Only skipped wall times move, so the first other one beyond the end ends it all.
		if !skipped && (over || len(out) >= n && (n <= 0 || at.After(out[n-1]))) {
			break
		}
		if !over && !at.Before(t) {
			out = insert(out, at)
		}
	}
	return out[:max(0, min(n, len(out)))]
}

func isPast(at, until time.Time) bool { return !until.IsZero() && at.After(until) }

// insert keeps list ascending and free of duplicates; at nearly always belongs at the end.
func insert(list []time.Time, at time.Time) []time.Time {
	i := len(list)
	for i > 0 && list[i-1].After(at) {
		i--
	}
	if i > 0 && list[i-1].Equal(at) {
		return list
	}
	list = append(list, at)
	copy(list[i+1:], list[i:])
	list[i] = at
	return list
}
