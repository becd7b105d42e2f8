package schedule

import (
	"iter"
	"slices"
	"time"
)

// frequency is the length of a recurrence's periods.
type frequency int

const (
	yearly frequency = iota
	monthly
	weekly
	daily
	hourly
	minutely
	secondly
)

// recurrence is one rule: in every interval-th period from start on it takes the days and
// the times of day that match. An empty list does not restrict.
type recurrence struct {
	freq     frequency
	interval int
	count    int       // how many there are in all, or -1
	until    time.Time // the last possible one, or zero
	start    time.Time
	wkst     int // first day of the week; Monday is 0

	months, monthDays, yearDays, weekNos, easterDays, weekdays []int
	nthWeekdays                                                []nthWeekday
	hours, minutes, seconds, setPos                            []int
}

// nthWeekday is the nth such weekday of the month or year, counted from its end if negative.
type nthWeekday struct{ weekday, n int }

// maxSilence is how far a rule is searched for its next time before it counts as over.
const maxSilence = 100 * 366 * day

// horizon returns until when a rule is searched if at is the last time known.
func horizon(at, end time.Time) time.Time {
	limit := at.Add(maxSilence)
	if last := lastDate(); limit.After(last) {
		limit = last
	}
	if isPast(limit, end) {
		limit = end
	}
	return limit
}

// lastDate bounds all rules, as the years of the contract have four digits.
func lastDate() time.Time { return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }

// walls yields the rule's wall-clock times from wall on. Those after end need not be
// yielded, if it is not zero.
func (r recurrence) walls(wall, end time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		left := r.count
		for at := range r.candidates(wall, end) {
			if at.Before(r.start) {
				continue
			}
			if left == 0 || !r.until.IsZero() && at.After(r.until) {
				return
			}
			left--
			if !at.Before(wall) && !yield(at) {
				return
			}
		}
	}
}

// candidates yields what matches, from somewhere before wall on: from the start of the rule
// if its times have to be counted.
func (r recurrence) candidates(wall, end time.Time) iter.Seq[time.Time] {
	if r.count >= 0 || wall.Before(r.start) {
		wall = r.start
	}
	if r.freq >= hourly {
		return r.candidateTimes(wall, end)
	}
	return func(yield func(time.Time) bool) {
		times := r.timesOfDay(r.hours, r.minutes, r.seconds)
		limit := horizon(wall, end)
		for k := r.periodsBefore(wall); ; k++ {
			days, first := r.daysOf(k)
			if first.After(limit) {
				return
			}
			for at := range r.pick(days, times) {
				if !yield(at) {
					return
				}
				limit = horizon(at, end)
			}
		}
	}
}

// timesOfDay combines hours, minutes and seconds to ascending offsets from midnight.
func (r recurrence) timesOfDay(hours, minutes, seconds []int) []time.Duration {
	times := make([]time.Duration, 0, len(hours)*len(minutes)*len(seconds))
	for _, h := range hours {
		for _, m := range minutes {
			for _, s := range seconds {
				times = append(times, time.Duration(h*3600+m*60+s)*time.Second)
			}
		}
	}
	return times
}

// periodsBefore returns the number of a period that lies at or before wall.
func (r recurrence) periodsBefore(wall time.Time) int {
	years := wall.Year() - r.start.Year()
	switch r.freq {
	case yearly:
		return years / r.interval
	case monthly:
		return (years*12 + int(wall.Month()) - int(r.start.Month())) / r.interval
	case weekly:
		return max(0, daysBetween(r.start, wall)/7/r.interval-1)
	}
	return daysBetween(r.start, wall) / r.interval
}

// daysBetween also counts what is too much for a time.Duration.
func daysBetween(from, to time.Time) int { return int(to.Unix()-from.Unix()) / 86400 }

// daysOf returns the matching days of period k, ascending, and the period's first day.
func (r recurrence) daysOf(k int) (days []time.Time, first time.Time) {
	first, length := r.period(k)
	y := yearOf(first)
	offset := first.YearDay() - 1
	for i := offset; i < offset+length; i++ {
		if r.matches(y, i) {
			days = append(days, y.first.AddDate(0, 0, i))
		}
	}
	return days, first
}

// period returns the first day of period k and the number of its days.
func (r recurrence) period(k int) (first time.Time, length int) {
	date := r.start.Truncate(day)
	switch r.freq {
	case yearly:
		first = time.Date(date.Year()+k*r.interval, 1, 1, 0, 0, 0, 0, time.UTC)
		return first, first.AddDate(0, 12, -1).YearDay()
	case monthly:
		first = time.Date(date.Year(), date.Month()+time.Month(k*r.interval), 1, 0, 0, 0, 0, time.UTC)
		return first, first.AddDate(0, 1, -1).Day()
	case weekly:
		passed := (mondayFirst(date) - r.wkst + 7) % 7
		if k == 0 { // the first week begins where the rule does
			return date, 7 - passed
		}
		return date.AddDate(0, 0, 7*k*r.interval-passed), 7
	}
	return date.AddDate(0, 0, k*r.interval), 1
}

// pick yields the times on the days, or only those at the positions the rule asks for.
func (r recurrence) pick(days []time.Time, times []time.Duration) iter.Seq[time.Time] {
	if len(r.setPos) > 0 {
		return r.pickPositions(days, times)
	}
	return func(yield func(time.Time) bool) {
		for _, date := range days {
			for _, t := range times {
				if !yield(date.Add(t)) {
					return
				}
			}
		}
	}
}

func (r recurrence) pickPositions(days []time.Time, times []time.Duration) iter.Seq[time.Time] {
	var at []int
	total := len(days) * len(times)
	for _, position := range r.setPos {
		if position > 0 {
			position--
		} else {
			position += total
		}
		if position >= 0 && position < total {
			at = append(at, position)
		}
	}
	return func(yield func(time.Time) bool) {
		for _, i := range sortUnique(at) {
			if !yield(days[i/len(times)].Add(times[i%len(times)])) {
				return
			}
		}
	}
}

// candidateTimes is candidates for rules whose periods are shorter than a day.
func (r recurrence) candidateTimes(wall, end time.Time) iter.Seq[time.Time] {
	unit := [...]int64{hourly: 3600, minutely: 60, secondly: 1}[r.freq]
	every := unit * int64(r.interval)
	start := r.start.Truncate(time.Duration(unit) * time.Second).Unix()
	// align returns the first period from t on, which is not before the start.
	align := func(t int64) time.Time { return time.Unix(start+(t-start+every-1)/every*every, 0).UTC() }
	return func(yield func(time.Time) bool) {
		limit := horizon(wall, end)
		at := align(max(start, wall.Unix()-every))
		for !at.After(limit) {
			if skip, ok := r.mismatch(at); ok {
				at = align(skip.Unix())
				continue
			}
			for found := range r.pick([]time.Time{at.Truncate(day)}, r.timesOf(at)) {
				if !yield(found) {
					return
				}
				limit = horizon(found, end)
			}
			at = align(at.Unix() + 1)
		}
	}
}

// mismatch tells whether the period at a time can't match, and the earliest time that may.
func (r recurrence) mismatch(at time.Time) (skip time.Time, ok bool) {
	switch {
	case !r.matches(yearOf(at), at.YearDay()-1):
		return at.Truncate(day).Add(day), true
	case len(r.hours) > 0 && !slices.Contains(r.hours, at.Hour()):
		return at.Truncate(time.Hour).Add(time.Hour), true
	case r.freq >= minutely && len(r.minutes) > 0 && !slices.Contains(r.minutes, at.Minute()):
		return at.Truncate(time.Minute).Add(time.Minute), true
	case r.freq >= secondly && len(r.seconds) > 0 && !slices.Contains(r.seconds, at.Second()):
		return at.Add(time.Second), true
	}
	return at, false
}

// timesOf returns the times of day within the period at a time.
func (r recurrence) timesOf(at time.Time) []time.Duration {
	switch r.freq {
	case hourly:
		return r.timesOfDay([]int{at.Hour()}, r.minutes, r.seconds)
	case minutely:
		return r.timesOfDay([]int{at.Hour()}, []int{at.Minute()}, r.seconds)
	}
	return []time.Duration{at.Sub(at.Truncate(day))}
}
