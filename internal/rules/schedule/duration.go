package schedule

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ParseDuration reads a length of time as requests write it: seconds as a number, or text like PT1H30M, 01:30:00 or
// "1 day, 01:30:00". It is cut to microseconds and must not be longer than 290 years.
func ParseDuration(v jsontext.Value) (time.Duration, error) {
	var seconds float64
	if json.Unmarshal(v, &seconds) == nil && v.Kind() == '0' {
		return inMicroseconds(seconds)
	}
	var text string
	if v.Kind() != '"' || json.Unmarshal(v, &text) != nil {
		return 0, errors.New("write seconds or ISO 8601 like PT1H")
	}
	sign := 1.0
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = -1, rest
	}
	text = strings.TrimPrefix(text, "+")
	var err error
	if rest, ok := strings.CutPrefix(strings.ToUpper(text), "P"); ok {
		seconds, err = isoSeconds(rest)
	} else {
		seconds, err = clockSeconds(text)
	}
	if err != nil {
		return 0, err
	}
	return inMicroseconds(sign * seconds)
}

func inMicroseconds(seconds float64) (time.Duration, error) {
	if math.IsNaN(seconds) || math.Abs(seconds) > 290*365.25*86400 {
		return 0, errors.New("it must not be longer than 290 years")
	}
	return time.Duration(math.RoundToEven(seconds*1e6)) * time.Microsecond, nil
}

// isoSeconds reads what follows the P of an ISO 8601 duration. As for the reference, a year
// has 365 days and a month 30.
func isoSeconds(text string) (float64, error) {
	date, clock, timed := strings.Cut(text, "T")
	days, err := sumUnits(date, "YMWD", 365*86400, 30*86400, 7*86400, 86400)
	if err != nil {
		return 0, err
	}
	seconds, err := sumUnits(clock, "HMS", 3600, 60, 1)
	if err != nil {
		return 0, err
	}
	if date == "" && !timed || timed && clock == "" {
		return 0, fmt.Errorf("%q has no units in it", "P"+text)
	}
	return days + seconds, nil
}

// sumUnits adds up numbers that are each followed by one of the units, in their order.
func sumUnits(text, units string, sizes ...float64) (float64, error) {
	sum := 0.0
	for text != "" {
		end := strings.IndexAny(text, units)
		if end <= 0 {
			return 0, fmt.Errorf("%q is not a number with one of the units %s", text, units)
		}
		n, err := strconv.ParseFloat(text[:end], 64)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is not a number", text[:end])
		}
		unit := strings.IndexByte(units, text[end])
		sum += n * sizes[unit]
		text, units, sizes = text[end+1:], units[unit+1:], sizes[unit+1:]
	}
	return sum, nil
}

// clockSeconds reads "1 day, 01:30:00", "2 days" or "01:30:00.5".
func clockSeconds(text string) (float64, error) {
	days, clock := 0.0, text
	if count, rest, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseFloat(strings.TrimSpace(count), 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a number of days", count)
		}
		days = n * 86400
		clock = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(rest, "ay"), "s"), ", ")
		if clock == "" {
			return days, nil
		}
	}
	parts := strings.Split(clock, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, fmt.Errorf("%q is neither ISO 8601 like PT1H nor a time like 01:30:00", text)
	}
	seconds := 0.0
	for i, size := range []float64{3600, 60, 1}[:len(parts)] {
		n, err := strconv.ParseFloat(parts[i], 64)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is not a number", parts[i])
		}
		seconds += n * size
	}
	return days + seconds, nil
}
