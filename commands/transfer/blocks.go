package transfer

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// blocks are copied with their secrets; their types and schemas come along.
func (p *plan) blocks(ctx context.Context) error {
	list, existing, err := all(p, func(c *client.Client, offset, limit int) ([]api.BlockDocument, error) {
		return c.ReadBlockDocuments(ctx, &api.ReadBlockDocumentsRequest{
			IncludeSecrets: api.Some(c == p.source), Offset: api.Some(offset), Limit: api.Some(limit),
		})
	}, func(b *api.BlockDocument) (string, uuid.UUID) { return find.BlockSlug(b), b.ID })
	if err != nil {
		return err
	}
	needs := make(map[uuid.UUID][]uuid.UUID, len(list))
	for i := range list {
		if needs[list[i].ID], err = referencesOf(&list[i]); err != nil {
			return err
		}
	}
	for _, b := range inOrder(list, needs) {
		p.copy("block", find.BlockSlug(&b), b.ID, existing, needs[b.ID], func(ctx context.Context) (uuid.UUID, error) { return p.createBlock(ctx, b) })
	}
	return nil
}

// references are the values of a block that are other blocks.
type references map[string]struct {
	BlockDocument struct {
		ID uuid.UUID `json:"id"`
	} `json:"block_document"`
}

func readReferences(b *api.BlockDocument) (refs references, err error) {
	if len(b.BlockDocumentReferences) == 0 {
		return nil, nil
	}
	return refs, json.Unmarshal(b.BlockDocumentReferences, &refs)
}

func referencesOf(b *api.BlockDocument) ([]uuid.UUID, error) {
	refs, err := readReferences(b)
	ids := make([]uuid.UUID, 0, len(refs))
	for _, ref := range refs {
		ids = append(ids, ref.BlockDocument.ID)
	}
	return ids, err
}

// inOrder puts blocks behind those that they refer to. Blocks can't refer to each other in
// a circle: each is made after what it refers to.
func inOrder(list []api.BlockDocument, needs map[uuid.UUID][]uuid.UUID) []api.BlockDocument {
	var ordered []api.BlockDocument
	placed := map[uuid.UUID]bool{}
	var place func(id uuid.UUID)
	place = func(id uuid.UUID) {
		i := slices.IndexFunc(list, func(b api.BlockDocument) bool { return b.ID == id })
		if i < 0 || placed[id] {
			return
		}
		placed[id] = true
		for _, other := range needs[id] {
			place(other)
		}
		ordered = append(ordered, list[i])
	}
	for i := range list {
		place(list[i].ID)
	}
	return ordered
}

func (p *plan) createBlock(ctx context.Context, b api.BlockDocument) (uuid.UUID, error) {
	kind, err := p.blockType(ctx, b.BlockType)
	if err != nil {
		return uuid.Nil, err
	}
	schema, err := p.blockSchema(ctx, b.BlockSchema, kind)
	if err != nil {
		return uuid.Nil, err
	}
	data, err := p.blockData(&b)
	if err != nil {
		return uuid.Nil, err
	}
	made, err := p.target.CreateBlockDocument(ctx, &api.BlockDocumentCreate{
		Name: api.Some(*b.Name), Data: api.Some(data), BlockTypeID: kind, BlockSchemaID: schema,
	})
	return made.ID, err
}

// blockData are the values, with the target's blocks in place of those that are referred to.
func (p *plan) blockData(b *api.BlockDocument) (jsontext.Value, error) {
	refs, err := readReferences(b)
	if err != nil || len(refs) == 0 {
		return b.Data, err
	}
	var values map[string]jsontext.Value
	if err := json.Unmarshal(b.Data, &values); err != nil {
		return nil, err
	}
	for name, ref := range refs {
		if values[name], err = encode(map[string]any{"$ref": map[string]any{"block_document_id": p.ids[ref.BlockDocument.ID]}}); err != nil {
			return nil, err
		}
	}
	return encode(values)
}

func (p *plan) blockType(ctx context.Context, kind *api.BlockType) (uuid.UUID, error) {
	if at, ok := p.ids[kind.ID]; ok {
		return at, nil
	}
	found, err := p.target.ReadBlockTypeBySlug(ctx, kind.Slug)
	if api.CodeOf(err) == api.CodeNotFound {
		var request api.BlockTypeCreate
		if request, err = requestFor[api.BlockTypeCreate](p, kind); err != nil {
			return uuid.Nil, err
		}
		found, err = p.target.CreateBlockType(ctx, &request)
	}
	if err == nil {
		p.ids[kind.ID] = found.ID
	}
	return found.ID, err
}

// blockSchema finds or makes a schema; the server knows one by what is in it.
func (p *plan) blockSchema(ctx context.Context, schema *api.BlockSchema, kind uuid.UUID) (uuid.UUID, error) {
	if at, ok := p.ids[schema.ID]; ok {
		return at, nil
	}
	found, err := p.target.ReadBlockSchemaByChecksum(ctx, schema.Checksum, nil)
	if api.CodeOf(err) == api.CodeNotFound {
		var request api.BlockSchemaCreate
		if request, err = requestFor[api.BlockSchemaCreate](p, schema); err != nil {
			return uuid.Nil, err
		}
		request.BlockTypeID = kind
		found, err = p.target.CreateBlockSchema(ctx, &request)
	}
	if err == nil {
		p.ids[schema.ID] = found.ID
	}
	return found.ID, err
}
