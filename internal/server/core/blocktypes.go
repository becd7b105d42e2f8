package core

import (
	"context"
	"html"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

const noBlockType = "Block type not found"

var blockSlug = regexp.MustCompile(`^[a-z0-9-]*$`)

// CreateBlockType adds a block type.
func (c *Core) CreateBlockType(ctx context.Context, who Caller, in *api.BlockTypeCreate) (t *api.BlockType, err error) {
	switch {
	case !blockSlug.MatchString(in.Slug):
		return nil, invalid("slug", "Block type slug must only contain lowercase letters, numbers, and dashes.")
	case strings.HasPrefix(strings.ToLower(in.Name), "prefect"):
		return nil, api.Errorf(api.CodeForbidden, "Block type names beginning with 'Prefect' are reserved.")
	}
	if err := c.ensureSystemBlocks(ctx, who); err != nil {
		return nil, err
	}
	err = c.write(ctx, who, func(w *work) error {
		t = &api.BlockType{
			ID: newID(), Created: &w.now, Updated: &w.now, Name: in.Name, Slug: in.Slug, LogoURL: in.LogoURL.Ptr(), DocumentationURL: in.DocumentationURL.Ptr(),
			Description: escaped(in.Description), CodeExample: escaped(in.CodeExample),
		}
		if err := w.InsertBlockType(t); err != nil {
			return err
		}
		return w.emitBlockType("created", t)
	})
	if api.CodeOf(err) == api.CodeConflict {
		err = api.Errorf(api.CodeConflict, `Block type with name "%s" already exists`, in.Name)
	}
	return t, err
}

var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escaped takes the markup out of a text that pages show.
func escaped(text api.Opt[string]) *string {
	p := text.Ptr()
	if p != nil {
		*p = markup.Replace(*p)
	}
	return p
}

// BlockType returns a block type by its id.
func (c *Core) BlockType(ctx context.Context, who Caller, id uuid.UUID) (*api.BlockType, error) {
	return readBlocks(ctx, c, who, noBlockType, func(tx *store.Tx) (*api.BlockType, error) { return tx.BlockType(id) })
}

// BlockTypeBySlug returns a block type by its slug.
func (c *Core) BlockTypeBySlug(ctx context.Context, who Caller, slug string) (*api.BlockType, error) {
	return readBlocks(ctx, c, who, noBlockType, func(tx *store.Tx) (*api.BlockType, error) { return tx.BlockTypeBySlug(slug) })
}

// BlockTypes lists block types by name.
func (c *Core) BlockTypes(ctx context.Context, who Caller, types *api.BlockTypeFilter, schemas *api.BlockSchemaFilter, limit, offset int) ([]api.BlockType, error) {
	return readBlocks(ctx, c, who, noBlockType, func(tx *store.Tx) ([]api.BlockType, error) { return tx.BlockTypes(types, schemas, limit, offset) })
}

// readBlocks reads something of blocks, with the system's own in place.
func readBlocks[T any](ctx context.Context, c *Core, who Caller, missing string, read func(*store.Tx) (T, error)) (T, error) {
	if err := c.ensureSystemBlocks(ctx, who); err != nil {
		var zero T
		return zero, err
	}
	return foundOr(missing, func() (T, error) { return value(ctx, c, who, read) })
}

// UpdateBlockType changes what the request has.
func (c *Core) UpdateBlockType(ctx context.Context, who Caller, id uuid.UUID, in *api.BlockTypeUpdate) error {
	return c.changeBlockType(ctx, who, id, func(w *work, t *api.BlockType) error {
		var ch changes
		changeText(&ch, "logo_url", t.LogoURL, in.LogoURL)
		changeText(&ch, "documentation_url", t.DocumentationURL, in.DocumentationURL)
		changeText(&ch, "description", t.Description, in.Description)
		changeText(&ch, "code_example", t.CodeExample, in.CodeExample)
		if len(ch.sets) == 0 {
			return nil
		}
		ch.set("updated", w.now)
		if err := w.Tx.UpdateBlockType(id, ch.sets...); err != nil {
			return err
		}
		now, err := w.Tx.BlockType(id)
		if err != nil {
			return err
		}
		return w.emitBlockType("updated", now)
	})
}

// changeText writes a text that differs from what is stored, markup aside.
func changeText(ch *changes, column string, was *string, text api.Opt[string]) {
	if !text.IsSet() {
		return
	}
	now := text.Ptr()
	if was != nil && now != nil && html.UnescapeString(*was) == html.UnescapeString(*now) || was == nil && now == nil {
		return
	}
	ch.set(column, now)
}

// DeleteBlockType removes a block type with its schemas and documents.
func (c *Core) DeleteBlockType(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.changeBlockType(ctx, who, id, func(w *work, t *api.BlockType) error {
		if t.IsProtected {
			return api.Errorf(api.CodeForbidden, "protected block types cannot be deleted.")
		}
		if err := w.Tx.DeleteBlockType(id); err != nil {
			return err
		}
		return w.emitBlockType("deleted", t)
	})
}

func (c *Core) changeBlockType(ctx context.Context, who Caller, id uuid.UUID, change func(*work, *api.BlockType) error) error {
	_, err := foundOr(noBlockType, func() (struct{}, error) {
		return struct{}{}, c.write(ctx, who, func(w *work) error {
			t, err := w.Tx.BlockType(id)
			if err != nil {
				return err
			}
			return change(w, t)
		})
	})
	return err
}

func (w *work) emitBlockType(what string, t *api.BlockType) (err error) {
	e := w.about("prefect.block-type."+what, resource("block-type", t.ID, t.Name))
	e.Payload, err = json.Marshal(struct {
		Name             string  `json:"name"`
		Slug             string  `json:"slug"`
		LogoURL          *string `json:"logo_url"`
		DocumentationURL *string `json:"documentation_url"`
		Description      *string `json:"description"`
		CodeExample      *string `json:"code_example"`
		IsProtected      bool    `json:"is_protected"`
	}{t.Name, t.Slug, t.LogoURL, t.DocumentationURL, t.Description, t.CodeExample, t.IsProtected})
	if err != nil {
		return err
	}
	return w.emit(e)
}
