package block

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

func newTypeCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("type", "see what kinds of blocks there are", []string{"types"}, func() []*cobra.Command {
		return []*cobra.Command{newTypeListCmd(env), newTypeInspectCmd(env), newTypeDeleteCmd(env)}
	})
	cmd.Example = "usher block type ls\nusher block type inspect secret"
	return cmd
}

func typeArgument(env *cli.Env, name string, value *string) cli.Positional {
	return cli.Positional{Name: name, Value: value, Required: true, Complete: env.Complete(find.BlockTypes)}
}

func readType(ctx context.Context, c *client.Client, slug string) (api.BlockType, error) {
	kind, err := c.ReadBlockTypeBySlug(ctx, slug)
	if api.CodeOf(err) != api.CodeNotFound {
		return kind, err
	}
	slugs, err := find.BlockTypes(ctx, c)
	if err != nil {
		return kind, err
	}
	return kind, cli.NotFound("block type", slug, slugs)
}

func typeColumns() []output.Column[api.BlockType] {
	return []output.Column[api.BlockType]{
		{Name: "Slug", Value: func(t api.BlockType) string { return t.Slug }, Tone: func(api.BlockType) output.Tone { return output.Strong }, Whole: true},
		{Name: "Name", Value: func(t api.BlockType) string { return t.Name }, Rank: 2},
		{
			Name: "Description", Value: func(t api.BlockType) string { return output.Text(t.Description) },
			Human: func(t api.BlockType, _ time.Time) string { return firstSentence(output.Text(t.Description)) }, Rank: 1,
		},
	}
}

func firstSentence(text string) string {
	if end := strings.Index(text, ". "); end >= 0 {
		return text[:end+1]
	}
	return text
}

type typeListOptions struct {
	env    *cli.Env
	output output.Options
}

func newTypeListCmd(env *cli.Env) *cobra.Command {
	opts := &typeListOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list block types",
		Example: "usher block type ls",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.BlockType]())
	return cmd
}

func (o *typeListOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	return find.List(o.env, o.output, typeColumns(), "", 0, func(offset, limit int) ([]api.BlockType, error) {
		return c.ReadBlockTypes(ctx, &api.ReadBlockTypesRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	})
}

// described is a block type with the newest of its schemas, as the reference prints it.
type described struct {
	BlockType api.BlockType    `json:"block_type"`
	Schema    *api.BlockSchema `json:"schema"`
}

type typeInspectOptions struct {
	env    *cli.Env
	output output.Options
	slug   string
}

func newTypeInspectCmd(env *cli.Env) *cobra.Command {
	opts := &typeInspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show a block type and the values that its blocks have",
		Example: "usher block type inspect secret",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, typeArgument(env, "slug", &opts.slug))
	cli.OutputFlags(cmd, &opts.output, []string{"block_type", "schema"})
	return cmd
}

func (o *typeInspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	kind, err := readType(ctx, c, o.slug)
	if err != nil {
		return err
	}
	schemas, err := c.ReadBlockSchemas(ctx, &api.ReadBlockSchemasRequest{
		BlockSchemas: &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{kind.ID}}}, Limit: api.Some(1),
	})
	if err != nil {
		return err
	}
	all := described{BlockType: kind}
	if len(schemas) > 0 {
		all.Schema = &schemas[0]
	}
	return output.Detail(o.env.Printer(o.output), all, typeProperties())
}

func typeProperties() []output.Column[described] {
	text := func(name string, value func(described) string) output.Column[described] {
		return output.Column[described]{Name: name, Value: value}
	}
	return []output.Column[described]{
		{Name: "Slug", Value: func(d described) string { return d.BlockType.Slug }, Tone: func(described) output.Tone { return output.Strong }},
		text("Name", func(d described) string { return d.BlockType.Name }),
		{Name: "ID", Value: func(d described) string { return d.BlockType.ID.String() }, Whole: true},
		text("Description", func(d described) string { return output.Text(d.BlockType.Description) }),
		text("Documentation", func(d described) string { return output.Text(d.BlockType.DocumentationURL) }),
		text("Protected", func(d described) string { return map[bool]string{true: "yes"}[d.BlockType.IsProtected] }),
		{Name: "Values", Value: schemaText, Human: func(d described, _ time.Time) string { return fieldsText(d.Schema) }},
	}
}

func schemaText(d described) string {
	if d.Schema == nil {
		return ""
	}
	return output.Compact(d.Schema.Fields)
}

type typeDeleteOptions struct {
	env  *cli.Env
	slug string
	yes  bool

	output output.Options
}

func newTypeDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &typeDeleteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove a block type and all its blocks",
		Example: "usher block type delete my-settings",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, typeArgument(env, "slug", &opts.slug))
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.BlockType]())
	return cmd
}

func (o *typeDeleteOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	kind, err := readType(ctx, c, o.slug)
	if err != nil {
		return err
	}
	if kind.IsProtected {
		return cli.Fail(cli.Refused, "block type "+kind.Slug+" is protected: every server needs it", "")
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete block type %q and all its blocks?", kind.Slug); err != nil {
		return err
	}
	if err := c.DeleteBlockType(ctx, kind.ID); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, kind, "Deleted block type %q.", kind.Slug)
}
