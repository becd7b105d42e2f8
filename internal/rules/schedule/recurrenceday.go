package schedule

import (
	"slices"
	"time"
)

// yearInfo is what the day rules ask about a year.
type yearInfo struct {
	first   time.Time
	length  int
	weekday int // of its first day; Monday is 0
}

func yearOf(t time.Time) yearInfo { return yearAt(t.Year()) }

func yearAt(year int) yearInfo {
	first := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	return yearInfo{first, time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay(), mondayFirst(first)}
}

func mondayFirst(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }

// matches tells whether day i of a year, counted from 0, passes the day rules. A week that
// reaches into the next year counts on past the end.
func (r recurrence) matches(y yearInfo, i int) bool {
	date := y.first.AddDate(0, 0, i)
	return within(r.months, int(date.Month())) &&
		(len(r.monthDays) == 0 || r.matchesMonthDay(date)) &&
		within(r.weekdays, (y.weekday+i)%7) &&
		(len(r.nthWeekdays) == 0 || r.matchesNth(y, date)) &&
		(len(r.yearDays) == 0 || r.matchesYearDay(y, i)) &&
		(len(r.weekNos) == 0 || r.matchesWeek(y, i)) &&
		(len(r.easterDays) == 0 || slices.Contains(r.easterDays, i-easter(y.first.Year())))
}

func within(list []int, v int) bool { return len(list) == 0 || slices.Contains(list, v) }

func (r recurrence) matchesMonthDay(date time.Time) bool {
	fromEnd := date.Day() - daysIn(date) - 1
	return slices.Contains(r.monthDays, date.Day()) || slices.Contains(r.monthDays, fromEnd)
}

func (r recurrence) matchesYearDay(y yearInfo, i int) bool {
	if i >= y.length {
		i -= y.length
		y = yearAt(y.first.Year() + 1)
	}
	return slices.Contains(r.yearDays, i+1) || slices.Contains(r.yearDays, i-y.length)
}

// matchesNth counts weekdays in the month, or in the year for yearly rules without months.
func (r recurrence) matchesNth(y yearInfo, date time.Time) bool {
	before, after := date.Day()-1, daysIn(date)-date.Day()
	if r.freq == yearly && len(r.months) == 0 {
		before, after = date.YearDay()-1, y.length-date.YearDay()
	}
	return slices.ContainsFunc(r.nthWeekdays, func(w nthWeekday) bool {
		return w.weekday == mondayFirst(date) && (w.n == before/7+1 || w.n == -(after/7+1))
	})
}

// matchesWeek compares week numbers. Week 1 is the first with four days in the year. The
// days of a neighbour's week only match its number counted from the year's side.
func (r recurrence) matchesWeek(y yearInfo, i int) bool {
	first := y.firstWeek(r.wkst)
	weeks := (y.length - first + 3) / 7
	if i < first {
		if slices.Contains(r.weekNos, -1) {
			return true
		}
		return slices.Contains(r.weekNos, r.lastWeekBefore(y))
	}
	n := (i-first)/7 + 1
	if n > weeks {
		return slices.Contains(r.weekNos, 1)
	}
	return slices.Contains(r.weekNos, n) || slices.Contains(r.weekNos, n-weeks-1)
}

// firstWeek returns the day, counted from 0, on which week 1 begins; it may be negative.
func (y yearInfo) firstWeek(wkst int) int {
	first := (7 - y.weekday + wkst) % 7
	if first >= 4 {
		first -= 7
	}
	return first
}

// lastWeekBefore returns the number of the week that reaches from the year before into y.
func (r recurrence) lastWeekBefore(y yearInfo) int {
	last := yearAt(y.first.Year() - 1)
	if last.firstWeek(r.wkst) < 0 {
		return 52 + (last.length+(last.weekday-r.wkst+7)%7)%7/4
	}
	// The reference measures this year here, not the last one.
	return 52 + (y.length-y.firstWeek(r.wkst))%7/4
}

func daysIn(date time.Time) int {
	return time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// easter returns the day of the year, counted from 0, of western Easter Sunday.
func easter(year int) int {
	golden, century := year%19, year/100
	moon := (century - century/4 - (8*century+13)/25 + 19*golden + 15) % 30
	moon -= moon / 28 * (1 - moon/28*(29/(moon+1))*((21-golden)/11))
	weekday := (year + year/4 + moon + 2 - century + century/4) % 7
	fromMarch := moon - weekday // days after 28 March
	return time.Date(year, 3, 28+fromMarch, 0, 0, 0, 0, time.UTC).YearDay() - 1
}
