// Package moment reads points in time as people write them: "10 minutes", "tomorrow 5pm",
// "2026-01-31 08:00 +02:00".
package moment

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parse reads text as a point in time after now. A time without a zone is one of UTC, as in
// the reference; a time of the day that is over today is one of tomorrow.
func Parse(text string, now time.Time) (time.Time, bool) {
	now = now.UTC()
	words := strings.Fields(strings.ToLower(strings.NewReplacer(",", " ", " of ", " ").Replace(strings.TrimSpace(text))))
	if len(words) > 0 && (words[0] == "in" || words[0] == "at" || words[0] == "on") {
		words = words[1:]
	}
	if len(words) == 0 {
		return now, false
	}
	if at, ok := exact(text); ok {
		return at, true
	}
	if d, ok := span(words); ok {
		return d.from(now), true
	}
	return spoken(words, now)
}

// exact reads the written forms of a date.
func exact(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	for _, prefix := range []string{"in ", "at ", "on "} {
		text = strings.TrimPrefix(text, prefix)
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -07:00", "2006-01-02 15:04 -07:00",
		"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04 -0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04 MST",
		"2006-01-02 3:04pm", "2006-01-02 3pm", "2006-01-02", "2006/01/02", "2006/01/02 15:04",
	} {
		if at, err := time.Parse(layout, text); err == nil && known(at) {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// known refuses abbreviations of zones whose offset nobody knows.
func known(at time.Time) bool {
	name, offset := at.Zone()
	return offset != 0 || name == "" || name == "UTC" || name == "GMT" || name == "Z"
}

// distance is a length of calendar time.
type distance struct {
	months, days int
	rest         time.Duration
}

func (d distance) from(t time.Time) time.Time { return t.AddDate(0, d.months, d.days).Add(d.rest) }

// span reads "1 hour and 30 minutes", "90s", "2 weeks".
func span(words []string) (distance, bool) {
	var d distance
	found := false
	for i := 0; i < len(words); i++ {
		if words[i] == "and" {
			continue
		}
		number, unit := split(words[i])
		if unit == "" && i+1 < len(words) {
			i++
			unit = words[i]
		}
		if number == "a" || number == "an" {
			number = "1"
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !d.add(n, unit) {
			return d, false
		}
		found = true
	}
	return d, found
}

// split takes "90s" apart.
func split(word string) (number, unit string) {
	if word == "a" || word == "an" {
		return word, ""
	}
	end := strings.IndexFunc(word, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		return word, ""
	}
	return word[:end], word[end:]
}

func (d *distance) add(n float64, unit string) bool {
	if unit != "s" && len(unit) > 2 {
		unit = strings.TrimSuffix(unit, "s")
	}
	switch unit {
	case "s", "sec", "second":
		d.rest += time.Duration(n * float64(time.Second))
	case "m", "min", "minute":
		d.rest += time.Duration(n * float64(time.Minute))
	case "h", "hr", "hour":
		d.rest += time.Duration(n * float64(time.Hour))
	case "d", "day":
		d.days += int(n)
		d.rest += time.Duration((n - float64(int(n))) * 24 * float64(time.Hour))
	case "w", "week":
		d.days += int(n * 7)
	case "mo", "month":
		d.months += int(n)
	case "y", "yr", "year":
		d.months += int(n * 12)
	default:
		return false
	}
	return true
}

// spoken reads a day and a time of the day, in either order, one of them left out.
func spoken(words []string, now time.Time) (time.Time, bool) {
	day, clock := time.Time{}, time.Duration(-1)
	words, named := numbered(joinHalves(words), now)
	for _, word := range words {
		if silent(word) {
			continue
		}
		if t, ok := timeOfDay(word); ok && clock < 0 {
			clock = t
			continue
		}
		d, ok := dayOf(word, now)
		if !ok || !day.IsZero() {
			return now, false
		}
		day = d
	}
	if named && clock < 0 {
		clock = 0
	}
	return combine(day, clock, now), true
}

// combine puts a day and a time of it together; what was not said is as it is now.
func combine(day time.Time, clock time.Duration, now time.Time) time.Time {
	today := now.Truncate(24 * time.Hour)
	if clock < 0 {
		clock = now.Sub(today).Truncate(time.Second)
	}
	if day.IsZero() {
		at := today.Add(clock)
		if at.Before(now) {
			at = at.AddDate(0, 0, 1)
		}
		return at
	}
	return day.Truncate(24 * time.Hour).Add(clock)
}

// joinHalves makes "5 pm" one word.
func joinHalves(words []string) []string {
	var joined []string
	for _, word := range words {
		if (word == "am" || word == "pm") && len(joined) > 0 {
			joined[len(joined)-1] += word
			continue
		}
		joined = append(joined, word)
	}
	return joined
}

// numbered makes the first date with the name of a month, such as "january 2nd 2031" or "2 jan", one
// word of numbers. Without a year it is the next such day.
func numbered(words []string, now time.Time) (out []string, found bool) {
	for i, word := range words {
		month := monthOf(word)
		if month == 0 {
			continue
		}
		from, to, day := i, i+1, 0
		if i > 0 {
			day = dayOfMonth(words[i-1])
		}
		if day > 0 {
			from--
		} else if to < len(words) {
			day = dayOfMonth(words[to])
			to++
		}
		at := time.Date(now.Year(), month, day, 0, 0, 0, 0, time.UTC)
		if year := yearAt(words, to); year > 0 {
			at = time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
			to++
		} else if at.Before(now.Truncate(24 * time.Hour)) {
			at = at.AddDate(1, 0, 0)
		}
		if at.Day() != day {
			return words, false
		}
		return slices.Concat(words[:from], []string{at.Format(time.DateOnly)}, words[to:]), true
	}
	return words, false
}

// yearAt is the word at i if it has the four figures of a year, else 0.
func yearAt(words []string, i int) int {
	if i >= len(words) || len(words[i]) != 4 {
		return 0
	}
	year, err := strconv.Atoi(words[i])
	if err != nil {
		return 0
	}
	return year
}

// monthOf reads the name of a month, whole or its first three letters; 0 for none.
func monthOf(word string) time.Month {
	for month := time.January; month <= time.December; month++ {
		if name := strings.ToLower(month.String()); word == name || word == name[:3] {
			return month
		}
	}
	return 0
}

// dayOfMonth reads "2" and "2nd"; 0 for what is no day.
func dayOfMonth(word string) int {
	for _, ending := range []string{"st", "nd", "rd", "th"} {
		word = strings.TrimSuffix(word, ending)
	}
	day, err := strconv.Atoi(word)
	if err != nil || day < 1 || day > 31 {
		return 0
	}
	return day
}

// silent words change nothing.
func silent(word string) bool {
	switch word {
	case "at", "on", "next", "utc", "gmt", "z":
		return true
	}
	return false
}

// dayOf reads the name of a day.
func dayOf(word string, now time.Time) (time.Time, bool) {
	switch word {
	case "now", "today":
		return now, true
	case "tomorrow":
		return now.AddDate(0, 0, 1), true
	}
	if at, err := time.Parse(time.DateOnly, word); err == nil {
		return at, true
	}
	for ahead := 1; ahead <= 7; ahead++ {
		day := now.AddDate(0, 0, ahead)
		name := strings.ToLower(day.Weekday().String())
		if word == name || word == name[:3] {
			return day, true
		}
	}
	return now, false
}

// timeOfDay reads "17:30", "5pm", "noon".
func timeOfDay(word string) (time.Duration, bool) {
	switch word {
	case "noon":
		return 12 * time.Hour, true
	case "midnight":
		return 0, true
	}
	for _, layout := range []string{"15:04:05", "15:04", "3:04:05pm", "3:04pm", "3pm"} {
		if at, err := time.Parse(layout, word); err == nil {
			return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second, true
		}
	}
	return 0, false
}
