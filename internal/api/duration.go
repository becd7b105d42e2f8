package api

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// errNoDuration is the error of a value of a type that no length of time has.
var errNoDuration = errors.New("write seconds or ISO 8601 like PT1H")

// ParseDuration reads a length of time as requests write it: seconds as a number, or text like PT1H30M, 01:30:00 or
// "1 day, 01:30:00". It is cut to microseconds and must not be longer than 290 years.
func ParseDuration(v jsontext.Value) (time.Duration, error) {
	switch v.Kind() {
	case 't':
		return time.Second, nil
	case 'f':
		return 0, nil
	case '0':
		seconds, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return 0, errLongDuration
		}
		return inMicroseconds(seconds)
	case '"':
	default:
		return 0, errNoDuration
	}
	text := unquoted(v)
	if text == "" {
		return 0, errShort
	}
	sign, bare := 1.0, strings.TrimLeft(text[:1], "+-")+text[1:]
	if text[0] == '-' {
		sign = -1
	}
	seconds, err := durationText(bare, text)
	if err != nil {
		return 0, err
	}
	return inMicroseconds(sign * seconds)
}

// NoDuration says that the value at a place is no length of time, as err of ParseDuration has it.
func NoDuration(v jsontext.Value, err error, at ...any) Violation {
	if errors.Is(err, errNoDuration) {
		return Violation{Type: "time_delta_type", Loc: at, Msg: "Input should be a valid timedelta", Input: v}
	}
	return Violation{Type: "time_delta_parsing", Loc: at, Msg: "Input should be a valid timedelta, " + err.Error(), Input: v, Ctx: member("error", quote(err.Error()))}
}

var (
	errShort        = errors.New("input is too short")
	errNoDigit      = errors.New("invalid digit in duration")
	errDays         = errors.New(`"day" identifier in duration not correctly formatted`)
	errLongDuration = errors.New("it must not be longer than 290 years")
)

func inMicroseconds(seconds float64) (time.Duration, error) {
	if math.IsNaN(seconds) || math.Abs(seconds) > 290*365.25*86400 {
		return 0, errLongDuration
	}
	return time.Duration(math.RoundToEven(seconds*1e6)) * time.Microsecond, nil
}

// durationText reads a text without its sign; whole still has it.
func durationText(text, whole string) (seconds float64, err error) {
	switch rest, iso := strings.CutPrefix(text, "P"); {
	case iso:
		return isoSeconds(rest)
	case strings.ContainsAny(text, "dD") || len(whole) < len("00:00"):
		return daySeconds(text)
	}
	return clockSeconds(text)
}

// isoUnits are the letters that follow the numbers of an ISO 8601 duration, before and
// after its T, with their seconds. As for the reference, a year has 365 days and a month 30.
var isoUnits = [2]map[byte]float64{
	{'Y': 365 * 86400, 'M': 30 * 86400, 'W': 7 * 86400, 'D': 86400},
	{'H': 3600, 'M': 60, 'S': 1},
}

// isoSeconds reads what follows the P of an ISO 8601 duration.
func isoSeconds(text string) (sum float64, err error) {
	if text == "" || text == "T" {
		return 0, errShort
	}
	part, fraction := 0, false
	for text != "" {
		if text[0] == 'T' {
			if part == 1 {
				return 0, errors.New("t character repeated in duration")
			}
			part, text = 1, text[1:]
			continue
		}
		n, rest, err := leadingNumber(text)
		switch {
		case err != nil:
			return 0, err
		case fraction:
			return 0, errors.New("quantity fraction invalid in duration")
		}
		fraction = strings.Contains(text[:len(text)-len(rest)], ".")
		size := 0.0
		if rest != "" {
			size = isoUnits[part][rest[0]]
		}
		if size == 0 {
			return 0, errors.New("quantity invalid in " + [...]string{"date", "time"}[part] + " part of duration")
		}
		sum, text = sum+n*size, rest[1:]
	}
	return sum, nil
}

// leadingNumber reads the digits that a text begins with.
func leadingNumber(text string) (n float64, rest string, err error) {
	rest = strings.TrimLeft(text, "0123456789")
	if len(rest) == len(text) {
		return 0, text, errNoDigit
	}
	if fraction, hasFraction := strings.CutPrefix(rest, "."); hasFraction {
		rest = strings.TrimLeft(fraction, "0123456789")
	}
	n, err = strconv.ParseFloat(strings.TrimSuffix(text[:len(text)-len(rest)], "."), 64)
	return n, rest, err
}

// daySeconds reads "1 day, 01:30:00" or "2d".
func daySeconds(text string) (float64, error) {
	bare := strings.TrimLeft(text, "0123456789")
	days, _, err := leadingNumber(text[:len(text)-len(bare)])
	if err != nil {
		return 0, err
	}
	bare = strings.ToLower(strings.TrimPrefix(bare, " "))
	rest, isDays := strings.CutPrefix(bare, "d")
	if !isDays {
		return 0, errDays
	}
	if word, isWord := strings.CutPrefix(rest, "a"); isWord {
		if rest, isDays = strings.CutPrefix(word, "y"); !isDays {
			return 0, errDays
		}
		rest = strings.TrimPrefix(rest, "s")
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, ","), " ")
	if rest == "" {
		return days * 86400, nil
	}
	seconds, err := clockSeconds(rest)
	return days*86400 + seconds, err
}

// clockSeconds reads 01:30 and 01:30:00.5, of as many hours as there are.
func clockSeconds(text string) (float64, error) {
	if len(text) < len("00:00") {
		return 0, errShort
	}
	count, rest, hasMinutes := strings.Cut(text, ":")
	hours, left, err := leadingNumber(count)
	if !hasMinutes || err != nil || left != "" || strings.Contains(count, ".") {
		return 0, errors.New("invalid character in hour")
	}
	minutes, rest, err := sixty(rest, "minute")
	if err != nil {
		return 0, err
	}
	seconds := 0.0
	if after, hasSeconds := strings.CutPrefix(rest, ":"); hasSeconds {
		if seconds, rest, err = sixty(after, "second"); err != nil {
			return 0, err
		}
		if digits := strings.TrimPrefix(rest, "."); len(digits) < len(rest) {
			rest = strings.TrimLeft(digits, "0123456789")
			part, err := strconv.ParseFloat("0."+digits[:len(digits)-len(rest)], 64)
			if len(rest) == len(digits) || err != nil {
				return 0, errors.New("second fraction digits missing after `.`")
			}
			seconds += part
		}
	}
	if rest != "" {
		return 0, errors.New("unexpected extra characters at the end of the input")
	}
	return hours*3600 + minutes*60 + seconds, nil
}

// sixty reads the two digits of a minute or second that a text begins with.
func sixty(text, unit string) (n float64, rest string, err error) {
	if len(text) < 2 || strings.Trim(text[:2], "0123456789") != "" {
		return 0, "", errors.New("invalid character in " + unit)
	}
	n, err = strconv.ParseFloat(text[:2], 64)
	if n > 59 {
		err = errors.New(unit + " value is outside expected range of 0-59")
	}
	return n, text[2:], err
}
