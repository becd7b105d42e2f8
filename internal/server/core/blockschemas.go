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
// is none, and those that it refers to.
func (c *Core) CreateBlockSchema(ctx context.Context, who Caller, in *api.BlockSchemaCreate) (s *api.BlockSchema, isNew bool, err error) {
	given, err := withReferences(api.Object(in.Fields.Or(nil)))
	if err != nil {
		return nil, false, err
	}
	err = c.write(ctx, who, func(w *work) error {
		kind, err := w.Tx.BlockType(in.BlockTypeID) // it must be there, also where the schema is already
		if errors.Is(err, store.ErrNoRows) {
			return api.Errorf(api.CodeNotFound, "Block type %s not found.", in.BlockTypeID)
		}
		if err != nil {
			return err
		}
		m := schemaMaker{w, map[string]bool{}}
		s, isNew, err = m.schema(api.Object(in.Fields.Or(nil)), in.Version.Or("non-versioned"), in.Capabilities.Or([]string{}), func() (*api.BlockType, error) { return kind, nil })
		return err
	})
	if isNew && err == nil {
		s.Fields = given
	}
	return s, isNew, err
}

// schemaMaker makes block schemas that refer to each other.
type schemaMaker struct {
	*work
	begun map[string]bool // checksums of those that are being made
}

func (m schemaMaker) schema(fields jsontext.Value, version string, capabilities []string, kindOf func() (*api.BlockType, error)) (s *api.BlockSchema, isNew bool, err error) {
	checksum, err := blockschema.Checksum(fields)
	if err != nil {
		return nil, false, invalid("fields", err.Error())
	}
	if s, err = m.BlockSchemaByChecksum(checksum, &version); !errors.Is(err, store.ErrNoRows) {
		return s, false, err
	}
	kind, err := kindOf()
	if err != nil {
		return nil, false, err
	}
	s = &api.BlockSchema{
		ID: newID(), Created: &m.now, Updated: &m.now, Checksum: checksum, BlockTypeID: &kind.ID, BlockType: kind,
		Capabilities: capabilities, Version: version,
	}
	if m.begun[checksum] { // it refers to itself
		return s, true, nil
	}
	m.begun[checksum] = true
	if fields, err = withReferences(fields); err != nil {
		return nil, false, err
	}
	var problem *api.Error
	switch s.Fields, err = blockschema.Resolve(fields, m.referred); {
	case errors.As(err, &problem):
		return nil, false, err
	case err != nil:
		return nil, false, invalid("fields", err.Error())
	}
	return s, true, m.InsertBlockSchema(s)
}

// referred returns the checksum of a schema that another one refers to. When there is none
// it is made of its definition, if its type is there.
func (m schemaMaker) referred(r blockschema.Referred) (string, error) {
	kind, err := m.BlockTypeBySlug(r.Slug)
	if errors.Is(err, store.ErrNoRows) {
		return "", api.Errorf(api.CodeConflict, "Cannot create block schema because block type '%s' was not found.Did you forget to register the block type?", r.Slug)
	}
	if err != nil {
		return "", err
	}
	switch known, err := m.BlockSchemaByChecksum(r.Checksum, nil); {
	case err == nil:
		return known.Checksum, nil
	case !errors.Is(err, store.ErrNoRows):
		return "", err
	}
	if r.Fields == nil {
		return "", invalid("fields", "there is no schema with the checksum "+r.Checksum+", and no definition to make it of")
	}
	made, _, err := m.schema(r.Fields, "non-versioned", []string{}, func() (*api.BlockType, error) { return kind, nil })
	if err != nil {
		return "", err
	}
	return made.Checksum, nil
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
