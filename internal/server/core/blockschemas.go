package core

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/blockschema"
	"github.com/usherhq/usher/internal/store"
)

const noBlockSchema = "Block schema not found"

// CreateBlockSchema returns the schema of these fields and version, making it when there
// is none.
func (c *Core) CreateBlockSchema(ctx context.Context, who Caller, in *api.BlockSchemaCreate) (s *api.BlockSchema, isNew bool, err error) {
	fields, err := withReferences(api.Object(in.Fields.Or(nil)))
	if err != nil {
		return nil, false, err
	}
	checksum, err := blockschema.Checksum(api.Object(in.Fields.Or(nil)))
	if err != nil {
		return nil, false, invalid("fields", err.Error())
	}
	version := in.Version.Or("non-versioned")
	err = c.write(ctx, who, func(w *work) error {
		if s, err = w.BlockSchemaByChecksum(checksum, &version); !errors.Is(err, store.ErrNoRows) {
			isNew = false
			return err
		}
		kind, err := w.Tx.BlockType(in.BlockTypeID)
		if errors.Is(err, store.ErrNoRows) {
			return api.Errorf(api.CodeNotFound, "Block type %s not found.", in.BlockTypeID)
		}
		if err != nil {
			return err
		}
		isNew = true
		s = &api.BlockSchema{
			ID: newID(), Created: &w.now, Updated: &w.now, Checksum: checksum, Fields: fields, BlockTypeID: &kind.ID, BlockType: kind,
			Capabilities: in.Capabilities.Or([]string{}), Version: version,
		}
		return w.InsertBlockSchema(s)
	})
	return s, isNew, err
}

// withReferences makes sure that fields say which other blocks they refer to, if none.
func withReferences(fields jsontext.Value) (jsontext.Value, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(fields, &members); err != nil {
		return nil, invalid("fields", "the fields of a block schema are an object")
	}
	if _, have := members["block_schema_references"]; have {
		return fields, nil
	}
	return mergeObjects(fields, jsontext.Value(`{"block_schema_references":{}}`))
}

// BlockSchema returns a block schema by its id.
func (c *Core) BlockSchema(ctx context.Context, who Caller, id uuid.UUID) (*api.BlockSchema, error) {
	return readBlocks(ctx, c, who, noBlockSchema, func(tx *store.Tx) (*api.BlockSchema, error) { return tx.BlockSchema(id) })
}

// BlockSchemaByChecksum returns the schema of a checksum and version, or without a
// version the newest of the checksum.
func (c *Core) BlockSchemaByChecksum(ctx context.Context, who Caller, checksum string, version *string) (*api.BlockSchema, error) {
	return readBlocks(ctx, c, who, noBlockSchema, func(tx *store.Tx) (*api.BlockSchema, error) {
		return tx.BlockSchemaByChecksum(checksum, version)
	})
}

// BlockSchemas lists block schemas, the newest first.
func (c *Core) BlockSchemas(ctx context.Context, who Caller, f *api.BlockSchemaFilter, limit, offset int) ([]api.BlockSchema, error) {
	return readBlocks(ctx, c, who, noBlockSchema, func(tx *store.Tx) ([]api.BlockSchema, error) { return tx.BlockSchemas(f, limit, offset) })
}

// DeleteBlockSchema removes a block schema with its documents.
func (c *Core) DeleteBlockSchema(ctx context.Context, who Caller, id uuid.UUID) error {
	_, err := foundOr(noBlockSchema, func() (struct{}, error) {
		return struct{}{}, c.write(ctx, who, func(w *work) error {
			s, err := w.Tx.BlockSchema(id)
			if err != nil {
				return err
			}
			if s.BlockType.IsProtected {
				return api.Errorf(api.CodeForbidden, "Block schemas for protected block types cannot be deleted.")
			}
			return w.Tx.DeleteBlockSchema(id)
		})
	})
	return err
}

// BlockCapabilities lists what blocks can do.
func (c *Core) BlockCapabilities(ctx context.Context, who Caller) ([]string, error) {
	return readBlocks(ctx, c, who, noBlockSchema, func(tx *store.Tx) ([]string, error) {
		lists, err := tx.BlockCapabilities()
		all := slices.Concat(lists...)
		slices.Sort(all)
		return slices.Compact(all), err
	})
}
