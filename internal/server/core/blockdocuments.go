package core

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/blockschema"
	"github.com/usherhq/usher/internal/store"
)

const noBlockDocument = "Block document not found"

// BlockFilters select block documents.
type BlockFilters = store.BlockFilters

// CreateBlockDocument adds a block document. Its data is sealed before it is stored.
func (c *Core) CreateBlockDocument(ctx context.Context, who Caller, in *api.BlockDocumentCreate) (out *api.BlockDocument, err error) {
	name, err := documentName(in)
	if err != nil {
		return nil, err
	}
	err = c.write(ctx, who, func(w *work) error {
		schema, err := w.Tx.BlockSchema(in.BlockSchemaID)
		if errors.Is(err, store.ErrNoRows) {
			return refused(store.ErrForeignKey)
		}
		if err != nil {
			return err
		}
		d := &store.SealedDocument{BlockDocument: api.BlockDocument{
			ID: newID(), Created: &w.now, Updated: &w.now, Name: &name, IsAnonymous: in.IsAnonymous.Or(false),
			BlockSchemaID: schema.ID, BlockTypeID: in.BlockTypeID, BlockTypeName: &schema.BlockType.Name,
		}}
		rest, refs, err := splitReferences(d.ID, api.Object(in.Data.Or(nil)))
		if err != nil {
			return err
		}
		if err := w.refuseCredentials(rest, schema.Fields); err != nil {
			return err
		}
		v, err := w.sealing()
		if err != nil {
			return err
		}
		if d.Sealed, err = v.seal(d.ID, rest); err != nil {
			return err
		}
		if err := w.InsertBlockDocument(d); err != nil {
			if errors.Is(err, store.ErrConflict) {
				err = api.Errorf(api.CodeConflict, "Block already exists")
			}
			return err
		}
		if err := w.refer(d.ID, refs); err != nil {
			return err
		}
		out, err = c.document(w.Tx, d.ID, false)
		if err != nil {
			return err
		}
		return w.emitBlockDocument("created", out)
	})
	return out, err
}

func documentName(in *api.BlockDocumentCreate) (string, error) {
	name, named := in.Name.Get()
	if !named && in.IsAnonymous.Or(false) {
		return "anonymous-" + uuid.NewString(), nil
	}
	if problem := api.BlockNameProblem(name); problem != "" {
		return "", invalid("name", problem)
	}
	return name, nil
}

// splitReferences takes the references to other documents out of data.
func splitReferences(parent uuid.UUID, data jsontext.Value) (jsontext.Value, []store.BlockReference, error) {
	rest, found, err := blockschema.SplitReferences(data)
	if err != nil {
		return nil, nil, invalid("data", err.Error())
	}
	refs := make([]store.BlockReference, len(found))
	for i, r := range found {
		child, err := uuid.Parse(r.ID)
		if err != nil {
			return nil, nil, badRequest("Received block reference without a block_document_id in key %s", r.Field)
		}
		refs[i] = store.BlockReference{Field: r.Field, Parent: parent, Child: child}
	}
	return rest, refs, nil
}

// refer stores the references of a document, unless they would lead back to it.
func (w *work) refer(parent uuid.UUID, refs []store.BlockReference) error {
	for _, r := range refs {
		if err := w.refuseCycle(parent, r.Child); err != nil {
			return err
		}
	}
	return w.SetBlockReferences(parent, refs, w.now)
}

func (w *work) refuseCycle(parent, child uuid.UUID) error {
	level, seen := []uuid.UUID{child}, map[uuid.UUID]bool{}
	for len(level) > 0 {
		for _, id := range level {
			if id == parent {
				return badRequest("Cannot create block document reference: it would introduce a cycle into the block_document_reference graph (parent=%s, reference=%s).", parent, child)
			}
		}
		refs, err := w.BlockReferencesOf(level)
		if err != nil {
			return err
		}
		level = nil
		for _, r := range refs {
			if !seen[r.Child] {
				seen[r.Child] = true
				level = append(level, r.Child)
			}
		}
	}
	return nil
}

// BlockDocument returns a block document, with or without its secrets.
func (c *Core) BlockDocument(ctx context.Context, who Caller, id uuid.UUID, secrets bool) (*api.BlockDocument, error) {
	return readBlocks(ctx, c, who, noBlockDocument, func(tx *store.Tx) (*api.BlockDocument, error) {
		d, err := tx.BlockDocument(id)
		if err == nil {
			err = mayUseBlock(tx, who, d)
		}
		if err != nil {
			return nil, err
		}
		return c.document(tx, id, secrets)
	})
}

// BlockDocumentByName returns the block document of a type and name.
func (c *Core) BlockDocumentByName(ctx context.Context, who Caller, slug, name string, secrets bool) (*api.BlockDocument, error) {
	return readBlocks(ctx, c, who, noBlockDocument, func(tx *store.Tx) (*api.BlockDocument, error) {
		d, err := tx.BlockDocumentByName(slug, name)
		if err == nil {
			err = mayUseBlock(tx, who, d)
		}
		if err != nil {
			return nil, err
		}
		return c.document(tx, d.ID, secrets)
	})
}

// BlockDocuments lists block documents, with or without their secrets.
func (c *Core) BlockDocuments(ctx context.Context, who Caller, f BlockFilters, secrets bool, sort api.BlockDocumentSort, limit, offset int) ([]api.BlockDocument, error) {
	return readBlocks(ctx, c, who, noBlockDocument, func(tx *store.Tx) ([]api.BlockDocument, error) {
		list, err := tx.BlockDocuments(f, sort, limit, offset)
		if err != nil {
			return nil, err
		}
		return c.assemble(tx, list, secrets)
	})
}

// CountBlockDocuments counts block documents.
func (c *Core) CountBlockDocuments(ctx context.Context, who Caller, f BlockFilters) (int, error) {
	return readBlocks(ctx, c, who, noBlockDocument, func(tx *store.Tx) (int, error) { return tx.CountBlockDocuments(f) })
}

// UpdateBlockDocument changes what the request has. Secrets that come back obscured keep
// their values.
func (c *Core) UpdateBlockDocument(ctx context.Context, who Caller, id uuid.UUID, in *api.BlockDocumentUpdate) error {
	return c.changeBlockDocument(ctx, who, id, func(w *work, d *store.SealedDocument) error {
		var ch changes
		if schema, ok := in.BlockSchemaID.Get(); ok && schema != d.BlockSchemaID {
			next, err := w.Tx.BlockSchema(schema)
			if err != nil || *next.BlockTypeID != d.BlockTypeID {
				return badRequest("Must migrate block document to a block schema of the same block type.")
			}
			ch.set("block_schema_id", schema)
		}
		if data, ok := in.Data.Get(); ok {
			sealed, err := w.reseal(d, data, in.MergeExistingData.Or(true))
			if err != nil {
				return err
			}
			ch.set("data", sealed)
		}
		ch.set("updated", w.now)
		if err := w.Tx.UpdateBlockDocument(id, ch.sets...); err != nil {
			return err
		}
		now, err := c.document(w.Tx, id, false)
		if err != nil {
			return err
		}
		return w.emitBlockDocument("updated", now)
	})
}

// reseal merges data into a document's and stores the references that it makes.
func (w *work) reseal(d *store.SealedDocument, data jsontext.Value, keep bool) (string, error) {
	v, err := w.sealing()
	if err != nil {
		return "", err
	}
	stored, err := v.open(d.ID, d.Sealed)
	if err != nil {
		return "", err
	}
	merged, err := blockschema.Merge(stored, data, d.BlockSchema.Fields, keep)
	if err != nil {
		return "", invalid("data", err.Error())
	}
	rest, refs, err := splitReferences(d.ID, merged)
	if err != nil {
		return "", err
	}
	if err := w.refuseCredentials(rest, d.BlockSchema.Fields); err != nil {
		return "", err
	}
	if err := w.refer(d.ID, refs); err != nil {
		return "", err
	}
	return v.seal(d.ID, rest)
}

// refuseCredentials refuses to keep what a schema calls secret where none is wanted.
func (w *work) refuseCredentials(data, fields jsontext.Value) error {
	if !w.core.Mutes.Credentials {
		return nil
	}
	switch holds, err := blockschema.HoldsSecrets(data, fields); {
	case err != nil:
		return invalid("data", err.Error())
	case holds:
		return api.Errorf(api.CodeForbidden, "This server keeps no credentials (USHER_BLOCKS_ALLOW_CREDENTIALS): leave the secret fields of the block empty.")
	}
	return nil
}

// RevealsSecrets says whether a document that was read with its secrets has any.
func RevealsSecrets(d *api.BlockDocument) bool {
	if d.BlockSchema == nil {
		return true
	}
	holds, err := blockschema.HoldsSecrets(d.Data, d.BlockSchema.Fields)
	return err != nil || holds
}

// DeleteBlockDocument removes a block document.
func (c *Core) DeleteBlockDocument(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.changeBlockDocument(ctx, who, id, func(w *work, d *store.SealedDocument) error {
		gone, err := c.document(w.Tx, id, false)
		if err != nil {
			return err
		}
		if err := w.Tx.DeleteBlockDocument(d.ID); err != nil {
			return err
		}
		return w.emitBlockDocument("deleted", gone)
	})
}

func (c *Core) changeBlockDocument(ctx context.Context, who Caller, id uuid.UUID, change func(*work, *store.SealedDocument) error) error {
	_, err := foundOr(noBlockDocument, func() (struct{}, error) {
		return struct{}{}, c.write(ctx, who, func(w *work) error {
			d, err := w.Tx.BlockDocument(id)
			if err != nil {
				return err
			}
			return change(w, d)
		})
	})
	return err
}

// badRequest is an invalid request that the contract answers with 400 and not with 422.
func badRequest(format string, args ...any) error {
	return api.Errorf(api.CodeMalformed, format, args...)
}
