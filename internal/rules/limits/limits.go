// Package limits is the arithmetic of concurrency limits: how slots decay, whether more
// fit, and how long one who found none should wait. It is pure.
package limits

import (
	"math"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Limit is a concurrency limit with the slots that are taken of it.
type Limit struct {
	ID        uuid.UUID
	Name      string
	Limit     int
	Active    bool      // an inactive limit lets everything pass
	Taken     int       // slots
	Denied    int       // slots asked for in vain, lately
	Decay     float64   // slots that free themselves per second; 0: only by release
	Occupancy float64   // seconds that a slot is held on average
	Updated   time.Time // when Taken and Denied were right
}

// minOccupancy keeps an average away from zero.
const minOccupancy = 0.1

// maxWait bounds, in seconds, what a caller is asked to wait for a slot to be released.
func (l *Limit) maxWait() float64 {
	if strings.HasPrefix(l.Name, "tag:") {
		return 10
	}
	return 30
}

// At returns the limit as it is at now, after decay.
func (l Limit) At(now time.Time) Limit {
	seconds := max(now.Sub(l.Updated).Seconds(), 0)
	rate := l.Decay
	if rate <= 0 {
		rate = 1 / min(max(l.Occupancy, minOccupancy), l.maxWait())
	}
	l.Taken = max(0, l.Taken-int(math.Floor(l.Decay*seconds)))
	l.Denied = max(0, l.Denied-int(math.Floor(rate*seconds)))
	return l
}

// Fits says whether n more slots can be taken now.
func (l Limit) Fits(n int, now time.Time) bool {
	return !l.Active || l.At(now).Taken+n <= l.Limit
}

// Acquired returns the limit with n more slots taken at now.
func (l Limit) Acquired(n int, now time.Time) Limit {
	if !l.Active {
		return l
	}
	l = l.At(now)
	l.Taken, l.Updated = l.Taken+n, now
	return l
}

// Refused returns the limit after n slots were asked for in vain at now.
func (l Limit) Refused(n int) Limit {
	if l.Active {
		l.Denied += n
	}
	return l
}

// Released returns the limit with n slots given back at now, which were held for
// occupancy; nil leaves the average as it is.
func (l Limit) Released(n int, occupancy *time.Duration, now time.Time) Limit {
	l = l.At(now)
	l.Taken, l.Updated = max(0, l.Taken-n), now
	if occupancy != nil && l.Limit > 0 && n > 0 {
		perSlot := max(occupancy.Seconds()/float64(n), minOccupancy)
		weight := 2 * float64(l.Limit)
		l.Occupancy += perSlot/weight - l.Occupancy/weight
	}
	return l
}

// RetryAfter is how long a caller that found no n slots should wait: around the time
// that the fullest of the limits needs, scattered so that callers don't return together.
// u is uniform in [0, 1).
func RetryAfter(full []Limit, n int, u float64) time.Duration {
	var blocking *Limit
	most := math.Inf(-1)
	for i := range full {
		if b := full[i].blocking(n); b > most {
			blocking, most = &full[i], b
		}
	}
	if blocking == nil {
		return 0
	}
	average := most / blocking.Decay
	if blocking.Decay <= 0 {
		wait := blocking.maxWait()
		average = min(min(blocking.Occupancy, wait)*most, wait)
	}
	return time.Duration(scattered(average, u) * float64(time.Second))
}

// blocking is how many slots, or with release how many times the limit, stand before a
// request of n slots.
func (l *Limit) blocking(n int) float64 {
	slots := float64(n + l.Denied)
	if l.Decay > 0 || l.Limit == 0 {
		return slots
	}
	return slots / float64(l.Limit)
}

// scattered draws from an exponential distribution around average, cut off 30 % above it
// and as much below as keeps the average.
func scattered(average, u float64) float64 {
	if average <= 0 {
		return 0
	}
	const above = 1.3
	upper := average * above
	lower := average * max(0, math.Log2(math.Pow(2, above)/(math.Pow(2, above)-1)))
	cdf := func(x float64) float64 { return 1 - math.Exp(-x/average) }
	at := cdf(lower) + u*(cdf(upper)-cdf(lower))
	return -math.Log(max(1-at, 1e-10)) * average
}
