package core

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/blockschema"
	"github.com/usherhq/usher/internal/store"
)

// maxNesting is how deep documents may refer to each other when they are read.
const maxNesting = 50

// maxParts is of how many documents one is put together: those that refer to each other in a
// circle, or more than once, would be without an end.
const maxParts = 1000

// document returns a document with those it refers to.
func (c *Core) document(tx *store.Tx, id uuid.UUID, secrets bool) (*api.BlockDocument, error) {
	d, err := tx.BlockDocument(id)
	if err != nil {
		return nil, err
	}
	out, err := c.assemble(tx, []store.SealedDocument{*d}, secrets)
	if err != nil {
		return nil, err
	}
	return &out[0], nil
}

// assembly is a set of documents with all that they refer to.
type assembly struct {
	documents map[uuid.UUID]*store.SealedDocument
	data      map[uuid.UUID]jsontext.Value
	refs      map[uuid.UUID][]store.BlockReference
	parts     int // that may still be put in
}

// assemble opens documents and puts those they refer to at their fields. It reads level
// by level, two queries each.
func (c *Core) assemble(tx *store.Tx, list []store.SealedDocument, secrets bool) ([]api.BlockDocument, error) {
	a := &assembly{documents: map[uuid.UUID]*store.SealedDocument{}, data: map[uuid.UUID]jsontext.Value{}, refs: map[uuid.UUID][]store.BlockReference{}}
	level := list
	for depth := 0; len(level) > 0 && depth < maxNesting; depth++ {
		missing, err := c.load(tx, a, level, secrets)
		if err != nil {
			return nil, err
		}
		if level, err = tx.BlockDocumentsOf(missing); err != nil {
			return nil, err
		}
	}
	out := make([]api.BlockDocument, len(list))
	for i := range list {
		a.parts = maxParts
		whole, references, err := a.build(list[i].ID, 0)
		if err != nil {
			return nil, err
		}
		out[i] = list[i].BlockDocument
		out[i].Data, out[i].BlockDocumentReferences = whole, references
	}
	return out, nil
}

// load opens the documents of a level and returns which others they refer to.
func (c *Core) load(tx *store.Tx, a *assembly, level []store.SealedDocument, secrets bool) (missing []uuid.UUID, err error) {
	v, err := c.vault(tx)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(level))
	for i := range level {
		d := &level[i]
		if of := *d.BlockSchema.BlockTypeID; of != d.BlockTypeID { // rare, so it is not joined
			if d.BlockSchema.BlockType, err = tx.BlockType(of); err != nil {
				return nil, err
			}
		}
		var data jsontext.Value
		data, err = v.open(d.ID, d.Sealed)
		if err == nil && !secrets {
			data, err = blockschema.Obscure(data, d.BlockSchema.Fields)
		}
		if err != nil {
			return nil, err
		}
		ids[i], a.documents[d.ID], a.data[d.ID] = d.ID, d, data
	}
	refs, err := tx.BlockReferencesOf(ids)
	for _, r := range refs {
		a.refs[r.Parent] = append(a.refs[r.Parent], r)
		if a.documents[r.Child] == nil {
			missing = append(missing, r.Child)
		}
	}
	return missing, err
}

// described is how a document tells of one that it refers to.
type described struct {
	Document struct {
		ID          uuid.UUID      `json:"id"`
		Name        *string        `json:"name"`
		Type        *api.BlockType `json:"block_type"`
		IsAnonymous bool           `json:"is_anonymous"`
		References  jsontext.Value `json:"block_document_references"`
	} `json:"block_document"`
}

func (a *assembly) build(id uuid.UUID, depth int) (data, references jsontext.Value, err error) {
	children, about := map[string]jsontext.Value{}, map[string]described{}
	for _, r := range a.refs[id] {
		child := a.documents[r.Child]
		if child == nil || depth >= maxNesting || a.parts == 0 {
			continue
		}
		a.parts--
		var d described
		if children[r.Field], d.Document.References, err = a.build(r.Child, depth+1); err != nil {
			return nil, nil, err
		}
		d.Document.ID, d.Document.Name, d.Document.Type, d.Document.IsAnonymous = child.ID, child.Name, child.BlockType, child.IsAnonymous
		about[r.Field] = d
	}
	if references, err = json.Marshal(about, json.Deterministic(true)); err != nil {
		return nil, nil, err
	}
	data, err = blockschema.Inline(a.data[id], children)
	return data, references, err
}

// emitBlockDocument tells of something that happened to a document that has a name. The
// event carries texts that are not secret, nothing else of its data.
func (w *work) emitBlockDocument(what string, d *api.BlockDocument) (err error) {
	if d.IsAnonymous {
		return nil
	}
	open, err := openTexts(d)
	if err != nil {
		return err
	}
	kind := resource("block-type", d.BlockTypeID, d.BlockType.Name, "prefect.resource.role", "block-type")
	schema := resource("block-schema", d.BlockSchemaID, "", "prefect.resource.role", "block-schema")
	e := w.about("prefect.block-document."+what, resource("block-document", d.ID, *d.Name), kind, schema)
	type blockType struct {
		ID   uuid.UUID `json:"id"`
		Name string    `json:"name"`
	}
	type blockSchema struct {
		Capabilities []string  `json:"capabilities"`
		BlockType    blockType `json:"block_type"`
	}
	e.Payload, err = json.Marshal(struct {
		Name   string            `json:"name"`
		Data   map[string]string `json:"data"`
		Schema blockSchema       `json:"block_schema"`
	}{*d.Name, open, blockSchema{d.BlockSchema.Capabilities, blockType{d.BlockTypeID, d.BlockType.Name}}}, json.Deterministic(true))
	if err != nil {
		return err
	}
	return w.emit(e)
}

// openTexts are the texts at the top of a document's data that the schema calls no secret.
func openTexts(d *api.BlockDocument) (map[string]string, error) {
	open := map[string]string{}
	hidden, err := blockschema.Obscure(d.Data, d.BlockSchema.Fields)
	if err != nil {
		return nil, err
	}
	err = members(hidden, func(name string, v jsontext.Value) {
		var text string
		if json.Unmarshal(v, &text) == nil && text != "********" {
			open[name] = text
		}
	})
	return open, err
}
