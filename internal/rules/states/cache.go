package states

import (
	"strconv"
	"unicode/utf8"

	"github.com/usherhq/usher/internal/api"
)

// useCache completes a task run with the state of an earlier one of the same cache key.
var useCache = rule{
	name: "use cache", from: anything, to: running,
	reads: NeedCached,
	before: func(t *transition) {
		if t.in.Cached == nil || !readsCache(t.proposed) {
			return
		}
		state, name := *t.in.Cached, nameCached
		state.ID, state.Timestamp, state.Name = t.in.Proposed.ID, t.now, &name
		t.rejectWith(state, "Retrieved state from cache")
	},
}

// fillCache remembers a completed state under its cache key.
var fillCache = rule{
	name: "fill cache", from: anything, to: completed,
	before: func(t *transition) {
		key := t.proposed.StateDetails.CacheKey
		if key != nil && utf8.RuneCountInString(*key) > t.settings.MaxCacheKeyLength {
			t.rejectWith(*t.proposed, "Cache key exceeded maximum allowed length of "+
				strconv.Itoa(t.settings.MaxCacheKeyLength)+" characters.")
		}
	},
	after: func(t *transition) {
		if key := t.proposed.StateDetails.CacheKey; key != nil && *key != "" {
			t.effects.Cache = &CacheEntry{Key: *key, Expiration: t.proposed.StateDetails.CacheExpiration}
		}
	},
}

// readsCache says that a state asks for a cached one of its key.
func readsCache(state *api.State) bool {
	d := &state.StateDetails
	return d.CacheKey != nil && *d.CacheKey != "" && (d.RefreshCache == nil || !*d.RefreshCache)
}
