package replica

import (
	"maps"
	"slices"
	"time"

	"github.com/usherhq/usher/internal/store"
)

// How a table is followed.
const (
	rowsAtOnce  = 500
	lookedBack  = 1000             // numbers that are looked at for missing ones at the start
	mostMissing = 4096             // numbers that are waited for at once
	missingFor  = 30 * time.Second // longer than a transaction lasts
)

// place is how far a numbered table has been read. Numbers below at that had no row are
// waited for: their transactions may not have ended yet.
type place struct {
	at      int64
	missing map[int64]time.Time // since when
}

// placeAt is the end of a table, given its newest numbers, the newest first.
func placeAt(newest []int64, now time.Time) *place {
	p := &place{missing: map[int64]time.Time{}}
	if len(newest) == 0 {
		return p
	}
	slices.Sort(newest)
	p.at = newest[0] - 1
	p.took(newest, now)
	return p
}

// ask is what to read next.
func (p *place) ask() store.Rows {
	return store.Rows{After: p.at, Missing: slices.Collect(maps.Keys(p.missing)), Limit: rowsAtOnce}
}

// took moves on behind rows that were read, and gives up on those that have been missing
// for too long.
func (p *place) took(read []int64, now time.Time) {
	for _, seq := range read {
		delete(p.missing, seq)
		for gap := max(p.at+1, seq-mostMissing); gap < seq; gap++ {
			p.missing[gap] = now
		}
		p.at = max(p.at, seq)
	}
	maps.DeleteFunc(p.missing, func(_ int64, since time.Time) bool { return now.Sub(since) > missingFor })
	if over := len(p.missing) - mostMissing; over > 0 {
		for _, seq := range slices.Sorted(maps.Keys(p.missing))[:over] {
			delete(p.missing, seq)
		}
	}
}
