package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxCount bounds COUNT, because the dates of a counted rule are found by counting.
const maxCount = 1_000_000

// maxInterval bounds INTERVAL: 30 years of seconds.
const maxInterval = 1_000_000_000

func (p *rruleParser) parseRule(text string) (recurrence, error) {
	r := recurrence{freq: -1, interval: 1, count: -1, start: p.start}
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || strings.Contains(value, "=") {
			return r, fmt.Errorf("%q is not of the form NAME=VALUE", part)
		}
		if err := p.setPart(&r, name, value); err != nil {
			return r, err
		}
	}
	return r, r.complete()
}

func (p *rruleParser) setPart(r *recurrence, name, value string) (err error) {
	switch name {
	case "FREQ":
		r.freq = frequency(slices.Index(strings.Fields("YEARLY MONTHLY WEEKLY DAILY HOURLY MINUTELY SECONDLY"), value))
		if r.freq < 0 {
			return fmt.Errorf("invalid 'FREQ': %s", value)
		}
	case "WKST":
		if r.wkst = weekdayIndex(value); r.wkst < 0 {
			return fmt.Errorf("invalid 'WKST': %s", value)
		}
	case "INTERVAL":
		r.interval, err = parseInt(name, value)
	case "COUNT":
		r.count, err = parseInt(name, value)
		r.count = max(0, r.count)
	case "UNTIL":
		err = p.setUntil(r, value)
	case "BYDAY", "BYWEEKDAY":
		err = r.setWeekdays(value)
	default:
		list := r.list(name)
		if list == nil {
			return fmt.Errorf("unknown parameter '%s'", name)
		}
		*list, err = parseInts(name, value)
	}
	return err
}

func (p *rruleParser) setUntil(r *recurrence, value string) error {
	until, zoned, err := parseDate(value)
	if err != nil {
		return fmt.Errorf("invalid 'UNTIL': %w", err)
	}
	if p.started && zoned != p.zoned {
		return errors.New("UNTIL and DTSTART must both end in Z or name a zone, or neither")
	}
	r.until = until
	p.out.zonedUntil = p.out.zonedUntil || zoned
	return nil
}

// list returns the list that a rule part of numbers fills, or nil for an unknown name.
func (r *recurrence) list(name string) *[]int {
	switch name {
	case "BYSETPOS":
		return &r.setPos
	case "BYMONTH":
		return &r.months
	case "BYMONTHDAY":
		return &r.monthDays
	case "BYYEARDAY":
		return &r.yearDays
	case "BYEASTER":
		return &r.easterDays
	case "BYWEEKNO":
		return &r.weekNos
	case "BYHOUR":
		return &r.hours
	case "BYMINUTE":
		return &r.minutes
	case "BYSECOND":
		return &r.seconds
	}
	return nil
}

func parseInt(name, value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil {
		return 0, fmt.Errorf("invalid '%s': %s", name, value)
	}
	return n, nil
}

func parseInts(name, value string) ([]int, error) {
	var list []int
	for text := range strings.SplitSeq(value, ",") {
		n, err := parseInt(name, text)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return sortUnique(list), nil
}

func weekdayIndex(name string) int {
	return slices.Index(strings.Fields("MO TU WE TH FR SA SU"), name)
}

// setWeekdays reads MO, +1MO or MO(+1), separated by commas.
func (r *recurrence) setWeekdays(value string) error {
	for text := range strings.SplitSeq(value, ",") {
		nth, name := text[:max(0, len(text)-2)], text[max(0, len(text)-2):]
		if before, inner, ok := strings.Cut(text, "("); ok {
			name, nth = before, strings.TrimSuffix(inner, ")")
		}
		weekday := weekdayIndex(name)
		if weekday < 0 {
			return fmt.Errorf("invalid 'BYDAY': %s", text)
		}
		if nth == "" {
			r.weekdays = append(r.weekdays, weekday)
			continue
		}
		n, err := parseInt("BYDAY", nth)
		if err != nil || n == 0 {
			return fmt.Errorf("invalid 'BYDAY': %s", text)
		}
		r.nthWeekdays = append(r.nthWeekdays, nthWeekday{weekday, n})
	}
	return nil
}

// complete checks a rule and fills in what it takes from its start.
func (r *recurrence) complete() error {
	if r.freq < 0 {
		return errors.New("FREQ is missing")
	}
	if r.interval < 1 || r.interval > maxInterval {
		return fmt.Errorf("INTERVAL must be 1 or more, and %d at most, not %d", maxInterval, r.interval)
	}
	if r.count > maxCount {
		return fmt.Errorf("COUNT must be %d or less; end the rule with UNTIL instead", maxCount)
	}
	for _, position := range r.setPos {
		if position == 0 || position < -366 || position > 366 {
			return fmt.Errorf("BYSETPOS must be between 1 and 366, or between -366 and -1, not %d", position)
		}
	}
	r.completeDays()
	return r.completeTimes()
}

// completeDays takes the day from the start unless the rule says which ones.
func (r *recurrence) completeDays() {
	if r.freq > monthly { // the reference ignores the n of an nth weekday here
		for _, w := range r.nthWeekdays {
			r.weekdays = append(r.weekdays, w.weekday)
		}
		r.nthWeekdays = nil
	}
	if len(r.monthDays)+len(r.yearDays)+len(r.weekNos)+len(r.easterDays)+len(r.weekdays)+len(r.nthWeekdays) > 0 {
		// Day 0 does not exist; asked for alone it restricts nothing.
		r.monthDays = slices.DeleteFunc(r.monthDays, func(d int) bool { return d == 0 })
		return
	}
	switch r.freq {
	case yearly:
		if len(r.months) == 0 {
			r.months = []int{int(r.start.Month())}
		}
		r.monthDays = []int{r.start.Day()}
	case monthly:
		r.monthDays = []int{r.start.Day()}
	case weekly:
		r.weekdays = []int{mondayFirst(r.start)}
	}
}

// completeTimes takes the parts of the time of day from the start that are finer than the
// frequency and not given.
func (r *recurrence) completeTimes() error {
	for _, part := range [...]struct {
		name  string
		list  *[]int
		own   frequency // at which the part is the period itself
		start int
		base  int
	}{
		{"BYHOUR", &r.hours, hourly, r.start.Hour(), 24},
		{"BYMINUTE", &r.minutes, minutely, r.start.Minute(), 60},
		{"BYSECOND", &r.seconds, secondly, r.start.Second(), 60},
	} {
		if len(*part.list) == 0 {
			if r.freq < part.own {
				*part.list = []int{part.start}
			}
			continue
		}
		if r.freq == part.own {
			*part.list = reachable(*part.list, part.start, r.interval, part.base)
		}
		if len(*part.list) == 0 {
			return fmt.Errorf("no value of %s is ever reached with INTERVAL=%d", part.name, r.interval)
		}
		for _, v := range *part.list {
			if v < 0 || v >= part.base {
				return fmt.Errorf("%s must be between 0 and %d, not %d", part.name, part.base-1, v)
			}
		}
	}
	return nil
}

// reachable keeps the values that steps of interval from start come to, modulo base.
func reachable(list []int, start, interval, base int) []int {
	step := gcd(interval, base)
	return slices.DeleteFunc(list, func(v int) bool {
		return v < 0 || v >= base || (v-start)%step != 0
	})
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
