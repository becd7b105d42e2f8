package core

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// SaveSearch keeps filters under a name, in place of those that it had.
func (c *Core) SaveSearch(ctx context.Context, who Caller, in *api.SavedSearchCreate) (saved *api.SavedSearch, isNew bool, err error) {
	err = c.write(ctx, who, func(w *work) error {
		id := newID()
		err := w.Tx.SaveSearch(&api.SavedSearch{ID: id, Created: &w.now, Updated: &w.now, Name: in.Name, Filters: in.Filters.Or([]api.SavedSearchFilter{})})
		if err != nil {
			return err
		}
		saved, err = w.SavedSearchByName(in.Name)
		isNew = err == nil && saved.ID == id
		return err
	})
	return saved, isNew, err
}

// SavedSearch returns a saved search by its id.
func (c *Core) SavedSearch(ctx context.Context, who Caller, id uuid.UUID) (*api.SavedSearch, error) {
	return found("Saved search", func() (*api.SavedSearch, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.SavedSearch, error) { return tx.SavedSearch(id) })
	})
}

// SavedSearches lists saved searches by name.
func (c *Core) SavedSearches(ctx context.Context, who Caller, limit, offset int) ([]api.SavedSearch, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.SavedSearch, error) { return tx.SavedSearches(limit, offset) })
}

// DeleteSavedSearch removes a saved search.
func (c *Core) DeleteSavedSearch(ctx context.Context, who Caller, id uuid.UUID) error {
	return missing("Saved search", c.write(ctx, who, func(w *work) error { return w.Tx.DeleteSavedSearch(id) }))
}
