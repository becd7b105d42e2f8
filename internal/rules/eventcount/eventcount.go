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
	first, length int64 // microseconds: since the epoch, and how many
	counts        []int
}

const (
	day = 24 * 60 * 60 * 1_000_000 // microseconds
	// pivot is the Monday that all spans are aligned to, 2024-04-01.
	pivot = 19_814 * day
	// The years from 1 to 9999 are what times are written in.
	begin, end = -719_162 * day, 2_932_897 * day
	// tooLong is the length of spans that no two years are apart; longer ones are cut to it.
	tooLong = 2 * (end - begin)
)

// Check refuses a range that would fall into too many spans.
func Check(unit api.TimeUnit, interval float64, since, until time.Time) error {
	n := int64(math.Ceil(float64(until.UnixMicro()-since.UnixMicro()) / float64(length(unit, interval))))
	if n <= maxSpans {
		return nil
	}
	return api.Errorf(api.CodeInvalid, "The given interval would create %d buckets, which is too many. "+
		"Please increase the interval or reduce the time range to produce %d buckets or fewer.", n, maxSpans)
}

// New returns the spans of a range that Check has not refused. One that ends in the future
// ends with the current unit of time. It refuses spans that begin or end in no year that
// can be written.
func New(unit api.TimeUnit, interval float64, since, until, now time.Time) (*Spans, error) {
	last := until.UnixMicro()
	if until.After(now) {
		last = endOf(unit, now)
	}
	s := &Spans{length: length(unit, interval)}
	s.first = pivot + floorDiv(since.UnixMicro()-pivot, s.length)*s.length
	at := s.first
	for ; at < last; at += s.length {
		if at < begin || at+s.length > end {
			return nil, api.Errorf(api.CodeInvalid, "The given interval is too long: a bucket would begin before the year 1 or end after the year 9999. Please reduce the interval.")
		}
		s.counts = append(s.counts, 0)
	}
	return s, nil
}

// length is at least a microsecond.
func length(unit api.TimeUnit, interval float64) int64 {
	n := map[api.TimeUnit]float64{
		api.TimeUnitWeek: 7 * day, api.TimeUnitDay: day, api.TimeUnitHour: day / 24,
		api.TimeUnitMinute: day / (24 * 60), api.TimeUnitSecond: day / (24 * 60 * 60),
	}[unit]
	return int64(min(max(math.RoundToEven(n*interval), 1), tooLong))
}

func endOf(unit api.TimeUnit, at time.Time) int64 {
	d := length(unit, 1)
	return pivot + (floorDiv(at.UnixMicro()-pivot, d)+1)*d - 1
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Add counts something that occurred at a time; what is outside of the spans is left out.
func (s *Spans) Add(at time.Time) {
	i := floorDiv(at.UnixMicro()-s.first, s.length)
	if i >= 0 && i < int64(len(s.counts)) {
		s.counts[i]++
	}
}

// Counts are the spans in the contract's form, empty ones included.
func (s *Spans) Counts() []api.EventCount {
	out := make([]api.EventCount, len(s.counts))
	for i, n := range s.counts {
		at := s.first + int64(i)*s.length
		start := time.UnixMicro(at).UTC()
		out[i] = api.EventCount{
			Value: strconv.Itoa(i), Label: label(start), Count: n,
			StartTime: api.At(start), EndTime: api.At(time.UnixMicro(at + s.length - 1).UTC()),
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
