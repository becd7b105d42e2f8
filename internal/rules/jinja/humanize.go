package jinja

import (
	"fmt"
	"math"
	"strings"
	"time"
)

func humanizeFilters() map[string]filter {
	out := map[string]filter{}
	for name, f := range humanizeTimes() {
		out["humanize_"+name] = f
	}
	for name, f := range humanizeNumbers() {
		out["humanize_"+name] = f
	}
	return out
}

// humanizeTimes word times. Words are English: the locale can't be changed from a template.
func humanizeTimes() map[string]filter {
	return map[string]filter{
		"abs_timedelta":  {"delta", func(c *call) any { d := mustSpan(c.args[0]); return max(d, -d) }},
		"naturaldelta":   {"value months? minimum_unit?", func(c *call) any { return naturalDelta(c.args[0], truth(c.value(1, true)), c.text(2, "seconds")) }},
		"naturaltime":    {"value future? months? minimum_unit? when?", naturalTime},
		"naturalday":     {"value", func(c *call) any { return naturalDay(c.args[0], c.r.env.Now, "%b %d") }},
		"naturaldate":    {"value", func(c *call) any { return naturalDate(c.args[0], c.r.env.Now) }},
		"precisedelta":   {"value minimum_unit? suppress? format?", preciseDelta},
		"date_and_delta": {"value", dateAndDelta},
		"activate":       {"locale path?", activate},
		"deactivate":     {"value", func(*call) any { return nil }},
	}
}

func activate(c *call) any {
	if name := c.text(0, ""); !strings.HasPrefix(name, "en") {
		fail("FileNotFoundError", "there are no words for the locale %s, only English ones", reprText(name))
	}
	return nil
}

func mustSpan(v any) Duration {
	d, ok := v.(Duration)
	if u, isUndefined := v.(*undefined); isUndefined {
		u.fail()
	}
	if !ok {
		fail("AttributeError", "%s object has no attribute 'days'", reprText(typeName(v)))
	}
	return d
}

// localNow is now without its zone, as humanize counts.
func localNow(now time.Time) time.Time { return now.UTC() }

// when is a value as a moment and as the time since.
func when(v any, now time.Time, precise bool) (date time.Time, delta Duration, ok bool) {
	now = localNow(now)
	switch v := v.(type) {
	case time.Time:
		if precise {
			fail(typeError, "can't subtract offset-naive and offset-aware datetimes")
		}
		return v.UTC(), Duration(now.UnixMicro() - v.UnixMicro()), true
	case naive:
		return v.Time, Duration(now.UnixMicro() - v.UnixMicro()), true
	case Duration:
		return before(now, v), v, true
	}
	f, ok := numberOf(v)
	if !ok || f != f {
		return now, 0, false
	}
	if !precise {
		f = math.RoundToEven(f)
	}
	delta = spanOfSeconds(f)
	return before(now, delta), delta, true
}

// before is the moment that long before another one.
func before(now time.Time, delta Duration) time.Time {
	at := time.UnixMicro(now.UnixMicro() - int64(delta)).UTC()
	if at.Year() < 1 || at.Year() > 9999 {
		fail(overflowError, "date value out of range")
	}
	return at
}

func spanOfSeconds(f float64) Duration {
	days := math.Floor(f / 86400)
	switch {
	case f-f != 0:
		fail(overflowError, "cannot convert float infinity to integer")
	case math.Abs(days) > math.MaxInt32:
		fail(overflowError, "Python int too large to convert to C int")
	case math.Abs(f) > 9e12:
		fail(overflowError, "days=%.0f; must have magnitude <= 999999999", days)
	}
	return Duration(math.RoundToEven(f * 1e6))
}

func dateAndDelta(c *call) any {
	v := c.args[0]
	_, isAware := v.(time.Time)
	date, delta, ok := when(v, c.r.env.Now, isAware)
	if !ok {
		return tuple{nil, v}
	}
	return tuple{naive{date}, max(delta, -delta)}
}

func naturalTime(c *call) any {
	now := c.r.env.Now
	if t, ok := c.value(4, nil).(time.Time); ok {
		now = t
	}
	v := c.args[0]
	date, delta, ok := when(v, now, false)
	if !ok {
		return str(v)
	}
	future := c.truth(1)
	if _, isNumber := numberOf(v); !isNumber {
		future = date.UnixMicro() > localNow(now).UnixMicro()
	}
	text := naturalDelta(max(delta, -delta), truth(c.value(2, true)), c.text(3, "seconds"))
	switch {
	case text == "a moment":
		return "now"
	case future:
		return text + " from now"
	}
	return text + " ago"
}

func amount(n int64, one, word string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func counted(n int64, word string) string { return amount(n, fmt.Sprintf("%d %s", n, word), word) }

func naturalDelta(v any, months bool, unit string) string {
	unit = strings.ToUpper(unit)
	rank := unitRank(unit)
	if rank > 2 {
		fail(valueError, "Minimum unit %s not supported", reprText(strings.ToLower(unit)))
	}
	d, ok := v.(Duration)
	if !ok {
		if _, isNumber := numberOf(v); !isNumber {
			if u, isUndefined := v.(*undefined); isUndefined {
				u.fail()
			}
			text, isText := textOf(v)
			if _, err := parseInt(text, 10); !isText || err != nil {
				return str(v)
			}
		}
		f := mustFloat(v)
		if f-f != 0 {
			if f != f {
				return str(v)
			}
			fail(overflowError, "cannot convert float infinity to integer")
		}
		d = spanOfSeconds(f)
	}
	allDays, seconds, micros := max(d, -d).parts()
	years, days := allDays/365, allDays%365
	nMonths := int64(math.RoundToEven(float64(days) / 30.5))
	switch {
	case years == 0 && days == 0:
		return deltaInDay(seconds, micros, rank)
	case years == 0:
		return deltaInYear(days, nMonths, months)
	case years == 1:
		return deltaOfYear(days, nMonths, months)
	}
	return groupDigits(fmt.Sprint(years), ',', 3) + " years"
}

func deltaInDay(seconds, micros int64, rank int) string {
	switch {
	case seconds == 0 && rank == 0 && micros < 1000:
		return counted(micros, "microsecond")
	case seconds == 0 && rank <= 1:
		return counted(micros/1000, "millisecond")
	case seconds == 0:
		return "a moment"
	case seconds < 60:
		return amount(seconds, "a second", "second")
	case seconds < 3600:
		minutes := int64(math.RoundToEven(float64(seconds) / 60))
		if minutes == 60 {
			return "an hour"
		}
		return amount(minutes, "a minute", "minute")
	}
	hours := int64(math.RoundToEven(float64(seconds) / 3600))
	if hours == 24 {
		return "a day"
	}
	return amount(hours, "an hour", "hour")
}

func deltaInYear(days, nMonths int64, months bool) string {
	switch {
	case days == 1, !months, nMonths == 0:
		return amount(days, "a day", "day")
	case nMonths == 12:
		return "a year"
	}
	return amount(nMonths, "a month", "month")
}

func deltaOfYear(days, nMonths int64, months bool) string {
	switch {
	case nMonths == 0 && days == 0:
		return "a year"
	case nMonths == 0 || !months:
		return "1 year, " + counted(days, "day")
	case nMonths == 12:
		return "2 years"
	}
	return "1 year, " + counted(nMonths, "month")
}

// dayOf is the day of a date or moment, and today where it is.
func dayOf(v any, now time.Time) (day, today time.Time, ok bool) {
	t, aware := momentOf(v)
	if _, isUndefined := v.(*undefined); isUndefined {
		fail(typeError, "%s object cannot be interpreted as an integer", reprText(typeName(v)))
	}
	if !isMoment(v) {
		return t, now, false
	}
	today = localNow(now)
	if aware {
		today = now.In(t.Location())
	}
	cut := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return cut(t), cut(today), true
}

func naturalDay(v any, now time.Time, pattern string) string {
	day, today, ok := dayOf(v, now)
	if !ok {
		return str(v)
	}
	switch day.Sub(today) {
	case 0:
		return "today"
	case 24 * time.Hour:
		return "tomorrow"
	case -24 * time.Hour:
		return "yesterday"
	}
	return strftime(date{day}, pattern)
}

func naturalDate(v any, now time.Time) string {
	day, today, ok := dayOf(v, now)
	if !ok {
		return str(v)
	}
	if math.Abs(day.Sub(today).Hours())/24 >= 5*365.0/12 {
		return naturalDay(v, now, "%b %d %Y")
	}
	return naturalDay(v, now, "%b %d")
}

var units = []string{"MICROSECONDS", "MILLISECONDS", "SECONDS", "MINUTES", "HOURS", "DAYS", "MONTHS", "YEARS"}

func unitRank(unit string) int {
	for i, name := range units {
		if name == strings.ToUpper(unit) {
			return i
		}
	}
	fail("KeyError", "%s", reprText(strings.ToUpper(unit)))
	return 0
}

// preciseDelta says a span unit by unit.
func preciseDelta(c *call) any {
	_, delta, ok := when(c.args[0], c.r.env.Now, true)
	if !ok {
		return str(c.args[0])
	}
	p := &precise{format: c.text(3, "%0.2f"), r: c.r, suppress: map[int]bool{}}
	for _, unit := range mustIterate(c.value(2, tuple{})) {
		p.suppress[unitRank(str(unit))] = true
	}
	least, isText := textOf(c.value(1, "seconds"))
	if !isText {
		fail("AttributeError", "%s object has no attribute 'upper'", reprText(typeName(c.args[1])))
	}
	p.least = unitRank(least)
	for p.suppress[p.least] {
		if p.least++; p.least == len(units) {
			fail(valueError, "Minimum unit is suppressed and no suitable replacement was found")
		}
	}
	for i := range p.least {
		p.suppress[i] = true
	}
	return p.say(p.split(max(delta, -delta)))
}

type precise struct {
	r        *run
	format   string
	suppress map[int]bool
	least    int
}

// cut takes as many whole units from a value as it has.
func (p *precise) cut(value, divisor float64, unit int) (n, rest float64) {
	switch {
	case unit == p.least:
		return p.rounded(value / divisor), 0
	case p.suppress[unit]:
		return 0, value
	}
	n = math.Floor(value / divisor)
	return n, math.Trunc(value - n*divisor)
}

func (p *precise) rounded(f float64) float64 {
	out, err := parseFloat(p.r.percent(p.format, f, false))
	if err != nil {
		fail(valueError, "could not convert string to float: %s", reprText(p.r.percent(p.format, f, false)))
	}
	return out
}

// split is how many of each unit there are, from microseconds to years.
func (p *precise) split(d Duration) []float64 {
	whole, seconds, micros := d.parts()
	n := make([]float64, len(units))
	days := float64(whole)
	n[7], days = p.cut(days, 365, 7)
	n[6], days = p.cut(days, 30.5, 6)
	rest := days*86400 + float64(seconds)
	n[5], rest = p.cut(rest, 86400, 5)
	n[4], rest = p.cut(rest, 3600, 4)
	n[3], rest = p.cut(rest, 60, 3)
	rest = rest*1e6 + float64(micros)
	n[2], rest = p.cut(rest, 1e6, 2)
	n[1], rest = p.cut(rest, 1000, 1)
	n[0] = rest
	for unit, most := range []float64{0, 1000, 60, 60, 24, 31, 12} {
		if unit > 0 && n[unit] >= most && !p.suppress[unit+1] {
			n[unit] -= most
			n[unit+1]++
		}
	}
	return n
}

// runsOn says whether the reference goes on below the least unit: it does after whole years.
func (p *precise) runsOn(n []float64) bool { return p.least == 7 && n[7] == math.Trunc(n[7]) }

func (p *precise) say(n []float64) string {
	var texts []string
	for unit := len(units) - 1; unit >= 0; unit-- {
		if unit < p.least && !p.runsOn(n) {
			break
		}
		if n[unit] <= 0 && (len(texts) > 0 || unit != p.least) {
			continue
		}
		word := strings.ToLower(strings.TrimSuffix(units[unit], "S"))
		if count := math.Trunc(n[unit]); count != 1 || n[unit] > 1 && n[unit] < 2 {
			word += "s"
		}
		number := fmt.Sprintf("%.0f", math.Trunc(n[unit]))
		switch {
		case unit == p.least && n[unit] != math.Trunc(n[unit]):
			number = p.r.percent(p.format, n[unit], false)
		case unit == 7:
			number = groupDigits(number, ',', 3)
		}
		texts = append(texts, number+" "+word)
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}
