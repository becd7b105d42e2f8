package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Policy is what the owner of a schedule asks for beside its times. The zero value asks
// for nothing.
type Policy struct {
	CatchUp   api.ScheduleCatchUp
	Limit     int // of the missed times that are made up for
	Overlap   api.ScheduleOverlap
	Jitter    time.Duration
	Start     time.Time // zero: none
	End       time.Time // zero: none
	Blackouts []Blackout
}

// Blackout is a window in which no run is planned, or one after each instant of Windows.
// The end is not part of it.
type Blackout struct {
	Start, End time.Time
	Windows    Schedule // nil: the one window from Start to End
	Length     time.Duration
}

// Moment is an instant of a schedule, and when its run is to start.
type Moment struct {
	Nominal time.Time
	Start   time.Time
}

// maxHops bounds how often one question for times is continued behind a blackout or a
// full page.
const maxHops = 1000

// Times returns the first n moments of a schedule that start at from or later and whose
// instants are not after until, in the order of their instants. The seed, the id of the
// schedule, decides about the jitter, so that everybody gets the same answer.
func (p *Policy) Times(s Schedule, seed uuid.UUID, from, until time.Time, n int) []Moment {
	at := from.Add(-p.Jitter)
	if at.Before(p.Start) {
		at = p.Start
	}
	if !p.End.IsZero() && isPast(until, p.End) || until.IsZero() {
		until = p.End
	}
	var out []Moment
	for range maxHops {
		page, end := s.After(at, min(n, maxDates), until), time.Time{}
		for _, nominal := range page {
			if end = p.blackoutEnd(nominal); !end.IsZero() {
				break
			}
			at = nominal.Add(1)
			if m := p.moment(seed, nominal); !m.Start.Before(from) {
				out = append(out, m)
			}
			if len(out) == n {
				return out
			}
		}
		switch {
		case !end.IsZero():
			at = end
		case len(page) < min(n, maxDates):
			return out
		}
	}
	return out
}

// blackoutEnd is the end of a blackout that an instant lies in; zero if there is none.
func (p *Policy) blackoutEnd(at time.Time) time.Time {
	for i := range p.Blackouts {
		if end := p.Blackouts[i].endAround(at); !end.IsZero() {
			return end
		}
	}
	return time.Time{}
}

func (b *Blackout) endAround(at time.Time) time.Time {
	start, end := b.Start, b.End
	if b.Windows != nil {
		begun := b.Windows.After(at.Add(1-b.Length), 1, at)
		if len(begun) == 0 {
			return time.Time{}
		}
		start, end = begun[0], begun[0].Add(b.Length)
	}
	if at.Before(start) || !at.Before(end) {
		return time.Time{}
	}
	return end
}

// moment adds the jitter, unless the run would then start where none may.
func (p *Policy) moment(seed uuid.UUID, nominal time.Time) Moment {
	start := nominal.Add(jitter(seed, nominal, p.Jitter))
	if isPast(start, p.End) || !p.blackoutEnd(start).IsZero() {
		start = nominal
	}
	return Moment{Nominal: nominal, Start: start}
}

// jitter is a delay of whole milliseconds, up to most, that looks random and is not.
func jitter(seed uuid.UUID, nominal time.Time, most time.Duration) time.Duration {
	if most < time.Millisecond {
		return 0
	}
	digest := sha256.Sum256(binary.BigEndian.AppendUint64(seed[:], uint64(nominal.UnixMicro())))
	choices := uint64(most/time.Millisecond) + 1
	return time.Duration(binary.BigEndian.Uint64(digest[:])%choices) * time.Millisecond
}

// firstLook is how far back missed times are looked for at first.
const firstLook = time.Minute

// Missed returns what of the moments between since and now is to be made up for. It looks
// back further and further, so that a long gap in a dense schedule costs no more than the
// moments that are wanted.
func (p *Policy) Missed(s Schedule, seed uuid.UUID, since, now time.Time) []Moment {
	n := p.limit()
	if n == 0 {
		return nil
	}
	for look := firstLook; ; look *= 2 {
		from := now.Add(-look)
		if !from.After(since) {
			from = since
		}
		last := p.lastTimes(s, seed, from, now, n)
		if len(last) == n || from.Equal(since) {
			return last
		}
	}
}

// CatchesUp says that missed times are made up for.
func (p *Policy) CatchesUp() bool { return p.limit() > 0 }

// limit is how many missed times are made up for.
func (p *Policy) limit() int {
	switch p.CatchUp {
	case api.ScheduleCatchUpAll:
		return p.Limit
	case api.ScheduleCatchUpLatest:
		return 1
	}
	return 0
}

// lastTimes returns the last n moments that start at from or later, but before now.
func (p *Policy) lastTimes(s Schedule, seed uuid.UUID, from, now time.Time, n int) []Moment {
	var last []Moment
	for range maxHops {
		page := p.Times(s, seed, from, now, maxDates)
		for _, m := range page {
			if m.Start.Before(now) {
				last = append(last, m)
			}
		}
		last = last[max(0, len(last)-n):]
		if len(page) < maxDates {
			break
		}
		from = page[len(page)-1].Nominal.Add(1)
	}
	return last
}
