package trigger

import "time"

// What the bucket of a measured trigger counts: a threshold that is being broken, that it
// has fired, and that the threshold is kept again.
const (
	breaking = iota
	hasFired
	keeping
)

// forGood is how long a bucket is kept that is to stay.
const forGood = 100 * 365 * 24 * time.Hour

// Measure tells a measured trigger what its metric is, nil when there is nothing to measure.
// It fires once when the threshold was broken for a while, and again only after it was kept
// for as long; it tells that, too.
func (b *Book) Measure(t *Trigger, value *float64, now time.Time) {
	at := place(t, nil)
	bucket, breaks := b.Buckets[at], value != nil && t.Breaks(*value)
	fire := func(state string) {
		f := b.firing(t, nil)
		f.States, f.Value = []string{state}, value
		if state == Resolved {
			if t.Parent == nil {
				b.Fired = append(b.Fired, f)
			}
			return
		}
		b.fire(t, f)
	}
	switch {
	case bucket == nil && breaks:
		b.Buckets[at] = &Bucket{Start: now, End: now.Add(max(t.FiringFor, time.Second)), Count: breaking}
	case bucket == nil:
	case bucket.Count == breaking && !breaks:
		b.Buckets[at] = nil
	case bucket.Count == breaking && !now.Before(bucket.Start.Add(t.FiringFor)):
		b.Buckets[at] = &Bucket{Start: now, End: now.Add(forGood), Count: hasFired}
		fire(Triggered)
	case bucket.Count == hasFired && !breaks:
		b.Buckets[at] = &Bucket{Start: now, End: now.Add(forGood), Count: keeping}
	case bucket.Count == keeping && breaks:
		b.Buckets[at] = &Bucket{Start: now, End: now.Add(forGood), Count: hasFired}
	case bucket.Count == keeping && !now.Before(bucket.Start.Add(t.FiringFor)):
		b.Buckets[at] = nil
		fire(Resolved)
	}
}
