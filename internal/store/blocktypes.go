package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const blockTypeColumns = `block_type.id, block_type.created, block_type.updated, block_type.name, block_type.slug, block_type.logo_url,
	block_type.documentation_url, block_type.description, block_type.code_example, block_type.is_protected`

const blockTypeSelect = "select " + blockTypeColumns + "\nfrom block_type\n"

func blockTypeCells(t *api.BlockType) []any {
	return []any{&t.ID, &t.Created, &t.Updated, &t.Name, &t.Slug, &t.LogoURL, &t.DocumentationURL, &t.Description, &t.CodeExample, &t.IsProtected}
}

func scanBlockType(row *Row) (t api.BlockType, err error) { return t, row.Scan(blockTypeCells(&t)...) }

// BlockType returns a block type by its id.
func (tx *Tx) BlockType(id uuid.UUID) (*api.BlockType, error) {
	return one(tx, blockTypeSelect+`
		where block_type.workspace_id = ?
		and block_type.id = ?`, []any{tx.workspace, id}, scanBlockType)
}

// BlockTypeBySlug returns a block type by its slug.
func (tx *Tx) BlockTypeBySlug(slug string) (*api.BlockType, error) {
	return one(tx, blockTypeSelect+`
		where block_type.workspace_id = ?
		and block_type.slug = ?`, []any{tx.workspace, slug}, scanBlockType)
}

// BlockTypes lists block types by name.
func (tx *Tx) BlockTypes(types *api.BlockTypeFilter, schemas *api.BlockSchemaFilter, limit, offset int) ([]api.BlockType, error) {
	where, page := tx.whereBlockTypes(types, schemas), page(limit, offset)
	return many(tx, blockTypeSelect+"where "+where.sql+"\norder by block_type.name, block_type.id"+page.sql, append(where.args, page.args...), scanBlockType)
}

// InsertBlockType adds a block type; ErrConflict says that its slug is taken.
func (tx *Tx) InsertBlockType(t *api.BlockType) error {
	_, err := tx.Exec(`
		insert into block_type (workspace_id, id, created, updated, name, slug, logo_url, documentation_url, description, code_example, is_protected)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, t.ID, t.Created, t.Updated, t.Name, t.Slug, t.LogoURL, t.DocumentationURL, t.Description, t.CodeExample, t.IsProtected)
	return err
}

// UpdateBlockType writes columns of a block type.
func (tx *Tx) UpdateBlockType(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("block_type", id, sets))
}

// DeleteBlockType removes a block type with its schemas and documents.
func (tx *Tx) DeleteBlockType(id uuid.UUID) error { return known(tx.deleteRow("block_type", id)) }
