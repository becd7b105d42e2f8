// Package eventcount divides a range of time into spans of equal length and counts into
// them. Spans are aligned to a Monday, so that weeks and days begin when people expect.
package eventcount

import (
	"math"
	"strconv"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// maxSpans is the most spans that one answer has.
const maxSpans = 1000

// Spans are consecutive spans of equal length that count what occurs in them.
type Spans struct {
	first  time.Time
	length time.Duration
	counts []int
}

// pivot is the Monday that all spans are aligned to.
func pivot() time.Time { return time.Date(2024, 4, 1, 0, 0, 0, 0, time.UTC) }

// Check refuses a range that would fall into too many spans.
func Check(unit api.TimeUnit, interval float64, since, until time.Time) error {
	n := int64(math.Ceil(float64(until.Sub(since)) / float64(length(unit, interval))))
	if n <= maxSpans {
		return nil
	}
	return api.Errorf(api.CodeInvalid, "The given interval would create %d buckets, which is too many. "+
		"Please increase the interval or reduce the time range to produce %d buckets or fewer.", n, maxSpans)
}

// New returns the spans of a range. One that ends in the future ends with the current
// unit of time.
func New(unit api.TimeUnit, interval float64, since, until, now time.Time) *Spans {
	if until.After(now) {
		until = endOf(unit, now)
	}
	s := &Spans{length: length(unit, interval)}
	s.first = pivot().Add(floorDiv(since.Sub(pivot()), s.length) * s.length)
	for at := s.first; at.Before(until); at = at.Add(s.length) {
		s.counts = append(s.counts, 0)
	}
	return s
}

func length(unit api.TimeUnit, interval float64) time.Duration {
	d := map[api.TimeUnit]time.Duration{
		api.TimeUnitWeek: 7 * 24 * time.Hour, api.TimeUnitDay: 24 * time.Hour, api.TimeUnitHour: time.Hour,
		api.TimeUnitMinute: time.Minute, api.TimeUnitSecond: time.Second,
	}[unit]
	return time.Duration(math.Round(float64(d)*interval/1000)) * time.Microsecond
}

func endOf(unit api.TimeUnit, at time.Time) time.Time {
	d := length(unit, 1)
	return pivot().Add((floorDiv(at.Sub(pivot()), d) + 1) * d).Add(-time.Microsecond)
}

func floorDiv(a, b time.Duration) time.Duration {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Add counts something that occurred at a time; what is outside of the spans is left out.
func (s *Spans) Add(at time.Time) {
	i := floorDiv(at.Sub(s.first), s.length)
	if i >= 0 && int(i) < len(s.counts) {
		s.counts[i]++
	}
}

// Counts are the spans in the contract's form, empty ones included.
func (s *Spans) Counts() []api.EventCount {
	out := make([]api.EventCount, len(s.counts))
	for i, n := range s.counts {
		start := s.first.Add(time.Duration(i) * s.length)
		out[i] = api.EventCount{
			Value: strconv.Itoa(i), Label: label(start), Count: n,
			StartTime: api.At(start), EndTime: api.At(start.Add(s.length - time.Microsecond)),
		}
	}
	return out
}

func label(at time.Time) string {
	if at.Nanosecond() == 0 {
		return at.Format("2006-01-02T15:04:05+00:00")
	}
	return at.Format("2006-01-02T15:04:05.000000+00:00")
}
