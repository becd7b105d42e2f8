package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// SealedDocument is a block document whose data is sealed.
type SealedDocument struct {
	api.BlockDocument
	Sealed string
}

const blockDocumentSelect = `
select block_document.id, block_document.created, block_document.updated, block_document.name, block_document.data,
	block_document.is_anonymous, block_document.block_schema_id, block_document.block_type_id, ` + blockSchemaColumns + ", " + blockTypeColumns + `
from block_document
join block_schema
	on block_schema.workspace_id = block_document.workspace_id
	and block_schema.id = block_document.block_schema_id
join block_type
	on block_type.workspace_id = block_document.workspace_id
	and block_type.id = block_document.block_type_id
`

func scanBlockDocument(row *Row) (d SealedDocument, err error) {
	d.BlockSchema, d.BlockType = &api.BlockSchema{}, &api.BlockType{}
	cells := []any{&d.ID, &d.Created, &d.Updated, &d.Name, &d.Sealed, &d.IsAnonymous, &d.BlockSchemaID, &d.BlockTypeID}
	cells = append(append(cells, blockSchemaCells(d.BlockSchema)...), blockTypeCells(d.BlockType)...)
	err = row.Scan(cells...)
	d.BlockSchema.BlockType, d.BlockTypeName = d.BlockType, &d.BlockType.Name
	return d, err
}

// BlockDocument returns a block document by its id.
func (tx *Tx) BlockDocument(id uuid.UUID) (*SealedDocument, error) {
	return one(tx, blockDocumentSelect+`
		where block_document.workspace_id = ?
		and block_document.id = ?`, []any{tx.workspace, id}, scanBlockDocument)
}

// BlockDocumentByName returns the block document of a type and name.
func (tx *Tx) BlockDocumentByName(slug, name string) (*SealedDocument, error) {
	return one(tx, blockDocumentSelect+`
		where block_document.workspace_id = ?
		and block_type.slug = ?
		and block_document.name = ?`, []any{tx.workspace, slug, name}, scanBlockDocument)
}

// BlockDocuments lists block documents.
func (tx *Tx) BlockDocuments(f BlockFilters, sort api.BlockDocumentSort, limit, offset int) ([]SealedDocument, error) {
	where, page := tx.whereBlockDocuments(f.Documents, f.Types, f.Schemas), page(limit, offset)
	return many(tx, blockDocumentSelect+"where "+where.sql+"\norder by "+blockDocumentOrder(sort)+page.sql, append(where.args, page.args...), scanBlockDocument)
}

// BlockFilters select block documents.
type BlockFilters struct {
	Documents *api.BlockDocumentFilter
	Types     *api.BlockTypeFilter
	Schemas   *api.BlockSchemaFilter
}

// CountBlockDocuments counts what BlockDocuments lists without a limit.
func (tx *Tx) CountBlockDocuments(f BlockFilters) (int, error) {
	return tx.count("block_document", tx.whereBlockDocuments(f.Documents, f.Types, f.Schemas))
}

// BlockDocumentsOf returns the block documents of those ids.
func (tx *Tx) BlockDocumentsOf(ids []uuid.UUID) ([]SealedDocument, error) {
	where := all(tx.own("block_document"), oneOf("block_document.id", ids))
	return many(tx, blockDocumentSelect+"where "+where.sql, where.args, scanBlockDocument)
}

// InsertBlockDocument adds a block document; ErrConflict says that its name is taken.
func (tx *Tx) InsertBlockDocument(d *SealedDocument) error {
	_, err := tx.Exec(`
		insert into block_document (workspace_id, id, created, updated, name, data, is_anonymous, block_schema_id, block_type_id, block_type_name)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, d.ID, d.Created, d.Updated, d.Name, d.Sealed, d.IsAnonymous, d.BlockSchemaID, d.BlockTypeID, d.BlockTypeName)
	return err
}

// UpdateBlockDocument writes columns of a block document.
func (tx *Tx) UpdateBlockDocument(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("block_document", id, sets))
}

// DeleteBlockDocument removes a block document and what refers to it.
func (tx *Tx) DeleteBlockDocument(id uuid.UUID) error {
	return known(tx.deleteRow("block_document", id))
}

// BlockReference says that a field of one block document stands for another.
type BlockReference struct {
	Field         string
	Parent, Child uuid.UUID
}

// BlockReferencesOf lists the references that those documents make.
func (tx *Tx) BlockReferencesOf(parents []uuid.UUID) ([]BlockReference, error) {
	return many(tx, `
		select name, parent_block_document_id, reference_block_document_id
		from block_document_reference
		where workspace_id = ?
		and `+dialect.In("parent_block_document_id", len(parents))+`
		order by name`, dialect.Pad([]any{tx.workspace}, parents),
		func(row *Row) (r BlockReference, err error) { return r, row.Scan(&r.Field, &r.Parent, &r.Child) })
}

// SetBlockReferences replaces the references that a document makes. ErrForeignKey says
// that one of the documents it refers to is not there.
func (tx *Tx) SetBlockReferences(parent uuid.UUID, refs []BlockReference, now api.Time) error {
	_, err := tx.Exec(`
		delete from block_document_reference
		where workspace_id = ?
		and parent_block_document_id = ?`, tx.workspace, parent)
	if err != nil {
		return err
	}
	rows := make([][]any, len(refs))
	for i, r := range refs {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		rows[i] = []any{tx.workspace, id, now, now, r.Field, parent, r.Child}
	}
	columns := []string{"workspace_id", "id", "created", "updated", "name", "parent_block_document_id", "reference_block_document_id"}
	_, err = tx.Insert("block_document_reference", columns, rows, "")
	return err
}
