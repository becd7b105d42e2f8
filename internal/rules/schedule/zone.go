package schedule

import (
	"fmt"
	"time"
	_ "time/tzdata" // for machines without a time zone database

	"github.com/usherhq/usher/internal/api"
)

// zone converts between instants and wall-clock times. A wall-clock time is kept as a
// time.Time in UTC that shows the digits of the clock.
type zone struct{ loc *time.Location }

// loadZone finds a zone by its IANA name; the empty name means UTC.
func loadZone(name string) (zone, error) {
	if name == "" {
		return zone{time.UTC}, nil
	}
	// Names outside the IANA list (Local, localtime, posix/…, right/…) depend on the machine.
	if name[0] >= 'A' && name[0] <= 'Z' && name != "Local" {
		if loc, err := time.LoadLocation(name); err == nil {
			return zone{loc}, nil
		}
	}
	return zone{}, &api.Error{
		Code:    api.CodeInvalid,
		Message: fmt.Sprintf("Invalid timezone: %q (specify in IANA tzdata format, for example, America/New_York)", name),
	}
}

// wall returns what the clock shows at t.
func (z zone) wall(t time.Time) time.Time {
	year, month, day := t.In(z.loc).Date()
	hour, minute, second := t.In(z.loc).Clock()
	return time.Date(year, month, day, hour, minute, second, t.Nanosecond(), time.UTC)
}

// earliestWall returns the first wall-clock time that can stand for an instant from t on.
// That is what the clock shows, or the start of the gap that has just been skipped.
func (z zone) earliestWall(t time.Time) time.Time {
	start, _ := t.In(z.loc).ZoneBounds()
	if start.IsZero() {
		return z.wall(t)
	}
	gap := offset(start.In(z.loc)) - offset(start.Add(-1).In(z.loc))
	if gap > 0 && t.Sub(start) < gap {
		return z.wall(start).Add(-gap)
	}
	return z.wall(t)
}

// instant returns the first instant at which the clock shows wall. If it never does, the
// clock before the gap counts, which moves the time forward, and skipped is true.
func (z zone) instant(wall time.Time) (at time.Time, skipped bool) {
	if z.loc == time.UTC {
		return wall, false
	}
	one := wall.Add(-offset(wall.In(z.loc))).In(z.loc)
	two := wall.Add(-offset(one)).In(z.loc)
	switch {
	case offset(one) == offset(two):
		return z.first(wall, two), false
	case wall.Add(-offset(two)).Equal(one): // each guess contradicts the other: a gap
		return later(one, two), true
	}
	return z.first(wall, wall.Add(-offset(two)).In(z.loc)), false
}

// first returns the earlier instant with the same wall-clock time as at, if there is one.
func (z zone) first(wall, at time.Time) time.Time {
	start, _ := at.ZoneBounds()
	if start.IsZero() {
		return at
	}
	earlier := wall.Add(-offset(start.Add(-1).In(z.loc)))
	if earlier.Before(start) {
		return earlier.In(z.loc)
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// offset is what the clock of t is ahead of UTC.
func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}
