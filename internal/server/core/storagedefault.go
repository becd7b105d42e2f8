package core

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// resultStorageKey is where a workspace keeps which block stores results by default.
const resultStorageKey = "DEFAULT_RESULT_STORAGE"

// DefaultResultStorage returns which block stores the results of runs that name none.
func (c *Core) DefaultResultStorage(ctx context.Context, who Caller) (out api.ServerDefaultResultStorage, err error) {
	err = c.read(ctx, who, func(tx *store.Tx) error {
		raw, err := tx.Configuration(resultStorageKey)
		if errors.Is(err, store.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		var id uuid.UUID
		if err := json.Unmarshal(raw, &id); err != nil {
			return err
		}
		// The block may have been deleted since.
		if d, err := maybe(tx.BlockDocument(id)); err != nil || d == nil {
			return err
		}
		out.DefaultResultStorageBlockID = &id
		return nil
	})
	return out, err
}

// SetDefaultResultStorage chooses the block that stores results by default.
func (c *Core) SetDefaultResultStorage(ctx context.Context, who Caller, id uuid.UUID) (api.ServerDefaultResultStorage, error) {
	err := c.write(ctx, who, func(w *work) error {
		d, err := w.Tx.BlockDocument(id)
		if errors.Is(err, store.ErrNoRows) {
			return api.Errorf(api.CodeNotFound, "Block document %s not found.", id)
		}
		if err != nil {
			return err
		}
		if !slices.Contains(d.BlockSchema.Capabilities, "write-path") {
			return api.Errorf(api.CodeInvalid, "Block document %s cannot be used for result storage.", id)
		}
		value, err := json.Marshal(id)
		if err != nil {
			return err
		}
		return w.SetConfiguration(newID(), resultStorageKey, value, w.now)
	})
	return api.ServerDefaultResultStorage{DefaultResultStorageBlockID: &id}, err
}

// ClearDefaultResultStorage leaves results to what runs themselves name.
func (c *Core) ClearDefaultResultStorage(ctx context.Context, who Caller) error {
	return c.write(ctx, who, func(w *work) error { return w.DeleteConfiguration(resultStorageKey) })
}
