package api

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Time is an instant in UTC with microseconds, the precision of the contract.
type Time struct{ time.Time }

// At returns t as the contract keeps it: UTC, cut to microseconds.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Microsecond)} }

// AtPtr is At as a pointer, for nullable fields.
func AtPtr(t time.Time) *Time {
	at := At(t)
	return &at
}

// MarshalJSONTo writes RFC 3339 in UTC: six digits of fraction, or none when it is zero.
func (t Time) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteValue(t.appendJSON(enc.AvailableBuffer()))
}

func (t Time) appendJSON(b []byte) []byte {
	at := t.UTC()
	year, month, day := at.Date()
	if year < 0 || year > 9999 {
		return at.AppendFormat(b, `"2006-01-02T15:04:05.000000Z"`)
	}
	hour, minute, second := at.Clock()
	b = appendTwo(appendTwo(append(b, '"'), year/100), year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, 'T'), hour)
	b = appendTwo(append(b, ':'), minute)
	b = appendTwo(append(b, ':'), second)
	if micro := at.Nanosecond() / 1000; micro != 0 {
		b = appendTwo(append(b, '.'), micro/10000)
		b = appendTwo(appendTwo(b, micro/100%100), micro%100)
	}
	return append(b, 'Z', '"')
}

// appendTwo appends a number below a hundred with two digits.
func appendTwo(b []byte, n int) []byte { return append(b, '0'+byte(n/10), '0'+byte(n%10)) }

// UnmarshalJSONFrom reads what the reference accepts: ISO 8601 with T or a space, with
// or without an offset (none means UTC), a bare date, or a Unix time as number.
func (t *Time) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	tok, err := dec.ReadToken()
	if err != nil {
		return err
	}
	switch tok.Kind() {
	case '"':
		*t, err = ParseTime(tok.String())
		return err
	case '0':
		f, err := tok.Float()
		if err == nil {
			*t, err = unixTime(f)
		}
		return err
	}
	return fmt.Errorf("want a time, got %v", tok.Kind())
}

// The first and the last second that the contract's times can name: the years 1 to 9999.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// unixTime reads seconds, or milliseconds when the number is too large for seconds, as pydantic does.
func unixTime(f float64) (Time, error) {
	if math.Abs(f) > 2e10 {
		f /= 1000
	}
	sec, frac := math.Modf(f)
	if !(sec >= firstSecond && sec <= lastSecond) {
		return Time{}, fmt.Errorf("%g is no second of the years 1 to 9999", f)
	}
	return At(time.Unix(int64(sec), int64(math.Round(frac*1e6))*1000)), nil
}

var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02",
	"2006-01-02T15:04:05.999999999Z0700",
}

// ParseTime reads a time as the contract's requests write it.
func ParseTime(s string) (Time, error) {
	text := s
	if len(text) > 10 && (text[10] == ' ' || text[10] == 't' || text[10] == '_') {
		text = text[:10] + "T" + text[11:]
	}
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return At(at), nil
		}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if at, err := unixTime(f); err == nil {
			return at, nil
		}
	}
	return Time{}, fmt.Errorf("%q is not a valid datetime; write it like 2026-01-31T12:00:00Z", s)
}

// Float is a number that encodes as Python writes it: whole numbers keep a ".0".
type Float float64

// MarshalJSONTo writes the shortest decimal form with a point.
func (f Float) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteValue(f.appendJSON(enc.AvailableBuffer()))
}

func (f Float) appendJSON(b []byte) []byte {
	v := float64(f)
	switch {
	case math.IsInf(v, 0) || math.IsNaN(v):
		return append(b, null...)
	case v == math.Trunc(v) && math.Abs(v) < 1e16:
		return strconv.AppendFloat(b, v, 'f', 1, 64)
	case math.Abs(v) < 1e-4 || math.Abs(v) >= 1e16:
		return strconv.AppendFloat(b, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// Seconds returns d as a Float of seconds, exact to the microsecond.
func Seconds(d time.Duration) Float { return Float(float64(d.Microseconds()) / 1e6) }
