// Package block holds the commands about blocks: named configuration, often with secrets,
// that flows and workers load.
package block

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher block.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("block", "keep settings and secrets that flows load", []string{"blocks"}, func() []*cobra.Command {
		return []*cobra.Command{
			newListCmd(env),
			newInspectCmd(env),
			newCreateCmd(env),
			newDeleteCmd(env),
			newRegisterCmd(env),
			newTypeCmd(env),
		}
	})
	cmd.Example = "usher block ls\nusher block inspect secret/api-token"
	return cmd
}

func columns() []output.Column[api.BlockDocument] {
	return []output.Column[api.BlockDocument]{
		{Name: "ID", Value: func(b api.BlockDocument) string { return b.ID.String() }, Whole: true, Rank: 3},
		{Name: "Type", Value: func(b api.BlockDocument) string { return typeName(&b) }, Rank: 2},
		{Name: "Name", Value: func(b api.BlockDocument) string { return output.Text(b.Name) }, Rank: 1},
		{Name: "Slug", Value: func(b api.BlockDocument) string { return find.BlockSlug(&b) }, Tone: func(api.BlockDocument) output.Tone { return output.Strong }, Whole: true},
	}
}

func properties() []output.Column[api.BlockDocument] {
	return append(columns(),
		output.Column[api.BlockDocument]{
			Name: "Updated", Value: func(b api.BlockDocument) string { return output.Stamp(b.Updated) },
			Human: func(b api.BlockDocument, now time.Time) string { return output.AgoPtr(now, b.Updated) },
		},
		output.Column[api.BlockDocument]{
			Name: "Data", Value: func(b api.BlockDocument) string { return output.Compact(b.Data) },
			Human: func(b api.BlockDocument, _ time.Time) string { return output.Pretty(b.Data) },
		},
	)
}

func typeName(b *api.BlockDocument) string {
	if b.BlockType != nil {
		return b.BlockType.Name
	}
	return output.Text(b.BlockTypeName)
}

// which is the block that a verb is about: type/name, or --id.
type which struct {
	slug string
	id   uuid.UUID
}

func (w *which) define(cmd *cobra.Command, env *cli.Env) {
	cli.Positionals(cmd, cli.Positional{Name: "slug", Value: &w.slug, Complete: env.Complete(find.Blocks)})
	cli.UUIDVar(cmd.Flags(), &w.id, "id", "the block with this `id`")
}

// find reads the block; its secrets are masked.
func (w *which) find(ctx context.Context, c *client.Client) (api.BlockDocument, error) {
	if (w.slug == "") == (w.id == uuid.Nil) {
		return api.BlockDocument{}, cli.Usagef("say either a block, as type/name, or --id")
	}
	if w.id != uuid.Nil {
		return find.Block(ctx, c, w.id.String())
	}
	return find.Block(ctx, c, w.slug)
}
