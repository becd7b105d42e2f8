package core

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// systemBlocks are the block types that every server knows, with their schemas; made by
// systemblocks.py from a fresh reference server.
//
//go:embed systemblocks.json.gz
var systemBlocks []byte

// systemBlocksKey is where a workspace remembers which system blocks it has.
const systemBlocksKey = "SYSTEM_BLOCKS"

type systemBlock struct {
	Type    api.BlockType     `json:"type"`
	Schemas []api.BlockSchema `json:"schemas"`
}

// ensureSystemBlocks installs the system's block types in a workspace before its blocks
// are first used; a start of the server does not wait for it.
func (c *Core) ensureSystemBlocks(ctx context.Context, who Caller) error {
	if _, ok := c.withBlocks.Load(who.Workspace); ok {
		return nil
	}
	version := systemBlocksVersion()
	have, err := value(ctx, c, who, func(tx *store.Tx) (jsontext.Value, error) { return tx.Configuration(systemBlocksKey) })
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return err
	}
	if !bytes.Equal(have, version) {
		if err := c.InstallSystemBlocks(ctx, who); err != nil {
			return err
		}
	}
	c.withBlocks.Store(who.Workspace, true)
	return nil
}

func systemBlocksVersion() jsontext.Value {
	return jsontext.Value(fmt.Sprintf(`"%08x"`, crc32.ChecksumIEEE(systemBlocks)))
}

// InstallSystemBlocks adds the system's block types and schemas that a workspace does not
// have, and brings the texts of those it has up to date.
func (c *Core) InstallSystemBlocks(ctx context.Context, who Caller) error {
	z, err := gzip.NewReader(bytes.NewReader(systemBlocks))
	if err != nil {
		return err
	}
	var list []systemBlock
	if err := json.UnmarshalRead(z, &list); err != nil {
		return err
	}
	return c.write(ctx, who, func(w *work) error {
		// First, so that another server that installs them too waits and finds them.
		if err := w.SetConfiguration(newID(), systemBlocksKey, systemBlocksVersion(), w.now); err != nil {
			return err
		}
		for i := range list {
			if err := w.installBlock(&list[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *work) installBlock(b *systemBlock) error {
	have, err := w.Tx.BlockTypeBySlug(b.Type.Slug)
	switch {
	case errors.Is(err, store.ErrNoRows):
		kind := b.Type
		kind.ID, kind.Created, kind.Updated = newID(), &w.now, &w.now
		have, err = &kind, w.InsertBlockType(&kind)
	case err == nil:
		err = w.Tx.UpdateBlockType(have.ID,
			store.Set{Column: "logo_url", Value: b.Type.LogoURL}, store.Set{Column: "documentation_url", Value: b.Type.DocumentationURL},
			store.Set{Column: "description", Value: b.Type.Description}, store.Set{Column: "code_example", Value: b.Type.CodeExample},
			store.Set{Column: "is_protected", Value: b.Type.IsProtected})
	}
	for i := 0; err == nil && i < len(b.Schemas); i++ {
		err = w.installSchema(have.ID, b.Schemas[i])
	}
	return err
}

func (w *work) installSchema(kind uuid.UUID, s api.BlockSchema) error {
	_, err := w.BlockSchemaByChecksum(s.Checksum, &s.Version)
	if !errors.Is(err, store.ErrNoRows) {
		return err
	}
	s.ID, s.Created, s.Updated, s.BlockTypeID = newID(), &w.now, &w.now, &kind
	return w.InsertBlockSchema(&s)
}
