package schedule

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// RRule fires by the recurrence rules of iCalendar (RFC 5545) as dateutil understands them:
// one or several RRULE and EXRULE, RDATE and EXDATE. All their times are wall-clock times
// in the schedule's zone, whatever zone they are written in.
type RRule struct {
	zone zone
	set  ruleSet
}

// ruleSet is what a recurrence text says.
type ruleSet struct {
	rules, exRules []recurrence
	dates, exDates []time.Time
}

// NewRRule makes a schedule of a recurrence text. An empty tz means UTC. Rules without
// DTSTART start at 2020-01-01T00:00:00.
func NewRRule(rule, tz string) (RRule, error) {
	parsed, err := parseRRule(rule)
	if err != nil {
		return RRule{}, err
	}
	z, err := loadZone(tz)
	if err != nil {
		return RRule{}, err
	}
	return RRule{zone: z, set: parsed.set}, nil
}

// Kind returns RRuleSchedule.
func (r RRule) Kind() string { return "RRuleSchedule" }

// After returns the next instants; see Schedule.
func (r RRule) After(t time.Time, n int, until time.Time) []time.Time {
	end := until
	if !until.IsZero() {
		end = r.zone.wall(until).Add(day) // whatever the clock does in between
	}
	return r.zone.take(r.set.walls(r.zone.earliestWall(t), end), t, n, until)
}

// walls yields the wall-clock times of the set from wall on, excluded ones left out. Those
// after end need not be yielded, if it is not zero.
func (s ruleSet) walls(wall, end time.Time) iter.Seq[time.Time] {
	included := merge(streams(s.rules, s.dates, wall, end))
	if len(s.exRules) == 0 && len(s.exDates) == 0 {
		return included
	}
	return except(included, merge(streams(s.exRules, s.exDates, wall, end)), end)
}

func streams(rules []recurrence, dates []time.Time, wall, end time.Time) []iter.Seq[time.Time] {
	var all []iter.Seq[time.Time]
	for _, rule := range rules {
		all = append(all, rule.walls(wall, end))
	}
	from, _ := slices.BinarySearchFunc(dates, wall, time.Time.Compare)
	if from < len(dates) {
		all = append(all, slices.Values(dates[from:]))
	}
	return all
}

// head is the next time of a stream and how to get the one after it.
type head struct {
	at   time.Time
	next func() (time.Time, bool)
}

// merge makes one ascending sequence of several.
func merge(sequences []iter.Seq[time.Time]) iter.Seq[time.Time] {
	if len(sequences) == 1 {
		return sequences[0]
	}
	return func(yield func(time.Time) bool) {
		var heads []head
		for _, sequence := range sequences {
			next, stop := iter.Pull(sequence)
			defer stop()
			if at, ok := next(); ok {
				heads = append(heads, head{at, next})
			}
		}
		for len(heads) > 0 {
			i := earliest(heads)
			if !yield(heads[i].at) {
				return
			}
			at, ok := heads[i].next()
			if heads[i].at = at; !ok {
				heads = slices.Delete(heads, i, i+1)
			}
		}
	}
}

func earliest(heads []head) int {
	best := 0
	for i, h := range heads {
		if h.at.Before(heads[best].at) {
			best = i
		}
	}
	return best
}

// maxExcluded is how many times may be excluded one after the other before the set counts
// as over: nearly two weeks of seconds.
const maxExcluded = 1_000_000

// except yields what is in the first sequence and not in the second, up to end; both ascend.
func except(included, excluded iter.Seq[time.Time], end time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		next, stop := iter.Pull(excluded)
		defer stop()
		out, more := next()
		inARow := 0
		for at := range included {
			if isPast(at, end) {
				return
			}
			for more && out.Before(at) {
				out, more = next()
			}
			if more && out.Equal(at) {
				if inARow++; inARow > maxExcluded {
					return
				}
				continue
			}
			inARow = 0
			if !yield(at) {
				return
			}
		}
	}
}

// sortUnique returns list ascending and without duplicates.
func sortUnique[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}
