package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const blockSchemaColumns = `block_schema.id, block_schema.created, block_schema.updated, block_schema.checksum, block_schema.fields,
	block_schema.block_type_id, block_schema.capabilities, block_schema.version`

const blockSchemaSelect = "select " + blockSchemaColumns + ", " + blockTypeColumns + `
from block_schema
join block_type
	on block_type.workspace_id = block_schema.workspace_id
	and block_type.id = block_schema.block_type_id
`

func blockSchemaCells(s *api.BlockSchema) []any {
	return []any{&s.ID, &s.Created, &s.Updated, &s.Checksum, &s.Fields, &s.BlockTypeID, &s.Capabilities, &s.Version}
}

func scanBlockSchema(row *Row) (s api.BlockSchema, err error) {
	s.BlockType = &api.BlockType{}
	return s, row.Scan(append(blockSchemaCells(&s), blockTypeCells(s.BlockType)...)...)
}

// BlockSchema returns a block schema by its id.
func (tx *Tx) BlockSchema(id uuid.UUID) (*api.BlockSchema, error) {
	return one(tx, blockSchemaSelect+`
		where block_schema.workspace_id = ?
		and block_schema.id = ?`, []any{tx.workspace, id}, scanBlockSchema)
}

// BlockSchemaByChecksum returns the schema of a checksum and version, or without a
// version the newest of the checksum.
func (tx *Tx) BlockSchemaByChecksum(checksum string, version *string) (*api.BlockSchema, error) {
	where := all(tx.own("block_schema"), is("block_schema.checksum = ?", checksum))
	if version != nil {
		where = all(where, is("block_schema.version = ?", *version))
	}
	return one(tx, blockSchemaSelect+"where "+where.sql+"\norder by block_schema.created desc, block_schema.id desc\nlimit 1", where.args, scanBlockSchema)
}

// BlockSchemas lists block schemas, the newest first.
func (tx *Tx) BlockSchemas(f *api.BlockSchemaFilter, limit, offset int) ([]api.BlockSchema, error) {
	where, page := tx.whereBlockSchemas(f), page(limit, offset)
	return many(tx, blockSchemaSelect+"where "+where.sql+"\norder by block_schema.created desc, block_schema.id desc"+page.sql,
		append(where.args, page.args...), scanBlockSchema)
}

// InsertBlockSchema adds a block schema; ErrConflict says that there is one of its
// checksum and version, ErrForeignKey that its type is gone.
func (tx *Tx) InsertBlockSchema(s *api.BlockSchema) error {
	_, err := tx.Exec(`
		insert into block_schema (workspace_id, id, created, updated, checksum, version, fields, capabilities, block_type_id)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, s.ID, s.Created, s.Updated, s.Checksum, s.Version, s.Fields, s.Capabilities, s.BlockTypeID)
	return err
}

// DeleteBlockSchema removes a block schema with its documents.
func (tx *Tx) DeleteBlockSchema(id uuid.UUID) error { return known(tx.deleteRow("block_schema", id)) }

// BlockCapabilities lists the lists of capabilities that schemas have.
func (tx *Tx) BlockCapabilities() ([][]string, error) {
	return many(tx, `
		select distinct capabilities
		from block_schema
		where workspace_id = ?`, []any{tx.workspace}, func(row *Row) (list []string, err error) { return list, row.Scan(&list) })
}
