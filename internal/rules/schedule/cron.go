package schedule

import (
	"iter"
	"math/bits"
	"time"
)

// maxSilentYears is how long a cron expression may have no date before it has none at all.
const maxSilentYears = 50

// Cron fires whenever the clock on the wall matches an expression.
type Cron struct {
	zone zone
	spec cronSpec
}

// cronSpec is a parsed cron expression. Years are kept as their distance from 1970.
type cronSpec struct {
	minutes, hours, days, months, weekdays, seconds, years numbers

	lastDay bool     // the last day of the month, besides days
	nth     [7]uint8 // per weekday the nth ones in the month; replaces weekdays
	either  bool     // a day needs to match days or weekdays, not both
}

const (
	nthLast   = 0 // bit of nth for the last such weekday; 1 to 5 are the first to the fifth
	firstYear = 1970
	lastYear  = 2099
)

// NewCron makes a schedule of a cron expression: minute, hour, day of month, month, day of
// week, then optionally second and year. With dayOr a day matches when the day of month or
// the day of week does, if both are restricted; without, both must.
func NewCron(expr, tz string, dayOr bool) (Cron, error) {
	spec, err := parseCron(expr)
	if err != nil {
		return Cron{}, err
	}
	z, err := loadZone(tz)
	if err != nil {
		return Cron{}, err
	}
	spec.either = dayOr && !spec.days.all && !spec.weekdays.all
	return Cron{zone: z, spec: spec}, nil
}

// Kind returns CronSchedule.
func (c Cron) Kind() string { return "CronSchedule" }

// After returns the next instants; see Schedule.
func (c Cron) After(t time.Time, n int, until time.Time) []time.Time {
	return c.zone.take(c.spec.walls(c.zone.earliestWall(t)), t, n, until)
}

// walls yields the matching wall-clock times from wall on.
func (s cronSpec) walls(wall time.Time) iter.Seq[time.Time] {
	if wall.Nanosecond() > 0 {
		wall = wall.Truncate(time.Second).Add(time.Second)
	}
	return func(yield func(time.Time) bool) {
		firstDay, firstSecond := wall.Truncate(day), int(wall.Sub(wall.Truncate(day))/time.Second)
		for date := range s.dates(firstDay) {
			from := 0
			if date.Equal(firstDay) {
				from = firstSecond
			}
			for second, ok := s.clock(from); ok; second, ok = s.clock(second + 1) {
				if !yield(date.Add(time.Duration(second) * time.Second)) {
					return
				}
			}
		}
	}
}

// dates yields the matching dates from date on, until a long time passes without any.
func (s cronSpec) dates(date time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		lastMatch := date.Year()
		month, from := date.AddDate(0, 0, 1-date.Day()), date.Day()
		for ; month.Year() <= lastMatch+maxSilentYears; month = month.AddDate(0, 1, 0) {
			matches := s.daysOf(month) >> from << from
			from = 0
			for ; matches != 0; matches &= matches - 1 {
				lastMatch = month.Year()
				if !yield(month.AddDate(0, 0, bits.TrailingZeros32(matches)-1)) {
					return
				}
			}
		}
	}
}

// daysOf returns the matching days of the month that starts at month, day 1 as bit 1.
func (s cronSpec) daysOf(month time.Time) uint32 {
	year := month.Year()
	if !s.months.contains(int(month.Month())) || !s.inYears(year) {
		return 0
	}
	last := month.AddDate(0, 1, -1).Day()
	every := uint32(1)<<(last+1) - 2
	days, weekdays := every, s.weekdaysOf(int(month.Weekday()), last)
	if !s.days.all {
		days = uint32(s.days.has[0]) & every
	}
	if s.lastDay {
		days |= 1 << last
	}
	switch {
	case !s.either:
		return days & weekdays
	case s.nth != [7]uint8{}: // as in the reference, nth weekdays outrank days
		return weekdays
	}
	return days | weekdays
}

func (s cronSpec) inYears(year int) bool {
	return s.years.all || year >= firstYear && year <= lastYear && s.years.contains(year-firstYear)
}

// weekdaysOf returns the days of a month whose weekday matches; first is the weekday of day 1.
func (s cronSpec) weekdaysOf(first, last int) uint32 {
	var days uint32
	for d := 1; d <= last; d++ {
		weekday := (first + d - 1) % 7
		nth := s.nth[weekday]
		switch {
		case s.nth == [7]uint8{}:
			if s.weekdays.contains(weekday) {
				days |= 1 << d
			}
		case nth&(1<<((d+6)/7)) != 0, nth&(1<<nthLast) != 0 && d+7 > last:
			days |= 1 << d
		}
	}
	return days
}

// clock returns the first matching second of the day from the given one on.
func (s cronSpec) clock(from int) (int, bool) {
	hour, minute, second := from/3600, from/60%60, from%60
	for h, ok := s.hours.next(hour, 23); ok; h, ok = s.hours.next(h+1, 23) {
		if h > hour {
			minute, second = 0, 0
		}
		for m, ok := s.minutes.next(minute, 59); ok; m, ok = s.minutes.next(m+1, 59) {
			if m > minute {
				second = 0
			}
			if found, ok := s.seconds.next(second, 59); ok {
				return h*3600 + m*60 + found, true
			}
			minute, second = m, 0
		}
		hour, minute, second = h, 0, 0
	}
	return 0, false
}
