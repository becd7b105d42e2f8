package core

import "github.com/usherhq/usher/internal/store"

// pages is how many pages of limit objects count objects fill.
func pages(count, limit int) int {
	if limit <= 0 {
		return 0
	}
	return (count + limit - 1) / limit
}

// Filters select objects by what they and the objects around them are.
type Filters = store.Filters
