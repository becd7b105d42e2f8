package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const savedSearchColumns = `
select id, created, updated, name, filters
from saved_search
`

func scanSavedSearch(row *Row) (s api.SavedSearch, err error) {
	var filters jsontext.Value
	if err := row.Scan(&s.ID, &s.Created, &s.Updated, &s.Name, &filters); err != nil {
		return s, err
	}
	return s, json.Unmarshal(filters, &s.Filters)
}

// SaveSearch adds a saved search, or gives the one of its name other filters.
func (tx *Tx) SaveSearch(s *api.SavedSearch) error {
	filters, err := json.Marshal(s.Filters)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into saved_search (workspace_id, id, created, updated, name, filters)
		values (?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, name) do update
		set filters = excluded.filters,
			updated = excluded.updated`,
		tx.workspace, s.ID, s.Created, s.Updated, s.Name, jsontext.Value(filters))
	return err
}

// SavedSearch returns a saved search by its id.
func (tx *Tx) SavedSearch(id uuid.UUID) (*api.SavedSearch, error) {
	return one(tx, savedSearchColumns+`
		where workspace_id = ?
		and id = ?`, []any{tx.workspace, id}, scanSavedSearch)
}

// SavedSearchByName returns a saved search by its name.
func (tx *Tx) SavedSearchByName(name string) (*api.SavedSearch, error) {
	return one(tx, savedSearchColumns+`
		where workspace_id = ?
		and name = ?`, []any{tx.workspace, name}, scanSavedSearch)
}

// SavedSearches lists saved searches by name.
func (tx *Tx) SavedSearches(limit, offset int) ([]api.SavedSearch, error) {
	return many(tx, savedSearchColumns+`
		where workspace_id = ?
		order by name
		limit ?
		offset ?`, []any{tx.workspace, limit, offset}, scanSavedSearch)
}

// DeleteSavedSearch removes a saved search.
func (tx *Tx) DeleteSavedSearch(id uuid.UUID) error { return known(tx.deleteRow("saved_search", id)) }
