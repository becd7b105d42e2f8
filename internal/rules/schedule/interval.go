package schedule

import (
	"iter"
	"slices"
	"time"

	"github.com/usherhq/usher/internal/api"
)

const day = 24 * time.Hour

// Interval fires every so often, counted from an anchor in both directions.
type Interval struct {
	every  time.Duration
	days   int           // whole days of every, kept on the wall clock
	rest   time.Duration // what is left of every, absolute
	anchor time.Time
	zone   zone
}

// NewInterval makes a schedule that fires every d from anchor on, and before it. An empty
// tz means the zone of the anchor when that has an IANA name, else UTC.
func NewInterval(d time.Duration, anchor time.Time, tz string) (Interval, error) {
	if d < time.Microsecond {
		return Interval{}, api.Errorf(api.CodeInvalid, "interval must be positive")
	}
	z, err := intervalZone(anchor, tz)
	if err != nil {
		return Interval{}, err
	}
	d = d.Truncate(time.Microsecond)
	return Interval{
		every:  d,
		days:   int(d / day),
		rest:   d % day,
		anchor: anchor.Truncate(time.Microsecond).In(z.loc),
		zone:   z,
	}, nil
}

func intervalZone(anchor time.Time, tz string) (zone, error) {
	if tz != "" {
		return loadZone(tz)
	}
	if z, err := loadZone(anchor.Location().String()); err == nil {
		return z, nil
	}
	return zone{time.UTC}, nil
}

// Kind returns IntervalSchedule.
func (s Interval) Kind() string { return "IntervalSchedule" }

// After returns the next instants; see Schedule.
func (s Interval) After(t time.Time, n int, until time.Time) []time.Time {
	n = min(n, maxDates)
	var out []time.Time
	for at := range s.from(t) {
		if len(out) >= n || isPast(at, until) {
			break
		}
		out = insert(out, at)
	}
	return out
}

// from yields the instants from t on, ascending.
func (s Interval) from(t time.Time) iter.Seq[time.Time] {
	if s.days > 0 && s.rest > 0 && s.zone.loc != time.UTC {
		return s.walk(t)
	}
	return func(yield func(time.Time) bool) {
		k := int((t.UnixMicro() - s.anchor.UnixMicro()) / s.every.Microseconds())
		for !s.at(k).Before(t) {
			k--
		}
		for s.at(k).Before(t) {
			k++
		}
		for ; yield(s.at(k)); k++ {
		}
	}
}

// at returns instant number k, counted from the anchor.
func (s Interval) at(k int) time.Time {
	if s.rest > 0 || s.zone.loc == time.UTC {
		return time.UnixMicro(s.anchor.UnixMicro() + int64(k)*s.every.Microseconds()).In(s.zone.loc)
	}
	at, _ := s.zone.instant(s.zone.wall(s.anchor).AddDate(0, 0, k*s.days))
	return at
}

// walk is from for intervals of days and hours: where each step lands depends on the steps
// before it, so it starts at the anchor.
func (s Interval) walk(t time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		var past []time.Time
		for at := s.back(s.anchor); !at.Before(t); at = s.back(at) {
			past = append(past, at)
		}
		for _, at := range slices.Backward(past) {
			if !yield(at) {
				return
			}
		}
		at := s.anchor
		for at.Before(t) {
			at = s.next(at)
		}
		for ; yield(at); at = s.next(at) {
		}
	}
}

func (s Interval) next(at time.Time) time.Time { return s.addDays(at, s.days).Add(s.rest) }
func (s Interval) back(at time.Time) time.Time { return s.addDays(at.Add(-s.rest), -s.days) }

func (s Interval) addDays(at time.Time, days int) time.Time {
	moved, _ := s.zone.instant(s.zone.wall(at).AddDate(0, 0, days))
	return moved
}
