package store

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Configuration returns the value kept under a key.
func (tx *Tx) Configuration(key string) (value jsontext.Value, err error) {
	err = tx.QueryRow(`
		select value
		from configuration
		where workspace_id = ?
		and key = ?`, []any{tx.workspace, key}, &value)
	return value, err
}

// SetConfiguration keeps a value under a key.
func (tx *Tx) SetConfiguration(id uuid.UUID, key string, value jsontext.Value, now api.Time) error {
	_, err := tx.Exec(`
		insert into configuration (workspace_id, id, created, updated, key, value)
		values (?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, key) do update
		set value = excluded.value,
			updated = excluded.updated`, tx.workspace, id, now, now, key, value)
	return err
}

// AddConfiguration keeps a value under a key that has none, and says whether it did.
func (tx *Tx) AddConfiguration(id uuid.UUID, key string, value jsontext.Value, now api.Time) (isNew bool, err error) {
	rows, err := tx.Exec(`
		insert into configuration (workspace_id, id, created, updated, key, value)
		values (?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, key) do nothing`, tx.workspace, id, now, now, key, value)
	return rows > 0, err
}

// DeleteConfiguration forgets a key; it need not be there.
func (tx *Tx) DeleteConfiguration(key string) error {
	_, err := tx.Exec(`
		delete from configuration
		where workspace_id = ?
		and key = ?`, tx.workspace, key)
	return err
}
