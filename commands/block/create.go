package block

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type createOptions struct {
	env  *cli.Env
	slug string
	name string
	file string

	output output.Options
}

func newCreateCmd(env *cli.Env) *cobra.Command {
	opts := &createOptions{env: env}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "make a block of a type",
		Long: "With --name and --from-file the block is made from the values in the file, so that no secret\n" +
			"stands on the command line. Without them the page that makes one is named.",
		Example: "usher block create secret --name api-token --from-file token.yaml",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, typeArgument(env, "block_type_slug", &opts.slug))
	cmd.Flags().StringVar(&opts.name, "name", "", "the block's `name`")
	cmd.Flags().StringVarP(&opts.file, "from-file", "f", "", "a YAML or JSON `file` of its values; - reads standard input")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.BlockDocument]())
	return cmd
}

func (o *createOptions) run(ctx context.Context) error {
	if (o.name == "") != (o.file == "") {
		return cli.Usagef("--name and --from-file go together")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	kind, err := readType(ctx, c, o.slug)
	if err != nil {
		return err
	}
	if o.name == "" {
		return o.link(kind)
	}
	data, err := document.ReadFile(o.file, o.env.Streams.In)
	if err != nil {
		return err
	}
	return o.create(ctx, c, kind, data)
}

func (o *createOptions) create(ctx context.Context, c *client.Client, kind api.BlockType, data jsontext.Value) error {
	schemas, err := c.ReadBlockSchemas(ctx, &api.ReadBlockSchemasRequest{
		BlockSchemas: &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{kind.ID}}}, Limit: api.Some(1),
	})
	if err != nil {
		return err
	}
	if len(schemas) == 0 {
		return cli.Fail(cli.Refused, "block type "+kind.Slug+" has no schema", "register it from Python first: `usher block register`")
	}
	made, err := c.CreateBlockDocument(ctx, &api.BlockDocumentCreate{
		Name: api.Some(o.name), Data: api.Some(data), BlockSchemaID: schemas[0].ID, BlockTypeID: kind.ID,
	})
	if api.CodeOf(err) == api.CodeConflict {
		return cli.Fail(cli.Refused, "there is a block named "+kind.Slug+"/"+o.name+" already", "`usher block delete %s/%s` removes it", kind.Slug, o.name)
	}
	if err != nil {
		return err
	}
	// What was made is read: the answer to making it has the secrets in the clear.
	return cli.ResultOf(o.env, o.output, func() (api.BlockDocument, error) { return c.ReadBlockDocumentByID(ctx, made.ID, nil) },
		"Created block %q: %s", kind.Slug+"/"+o.name, made.ID)
}

// link names the page of the web interface that makes a block.
func (o *createOptions) link(kind api.BlockType) error {
	page := find.Page(o.env, "/blocks/catalog/"+kind.Slug+"/create")
	if page == "" {
		return cli.Fail(cli.Failure, "no web interface is known that could make the block", "say its values: --name <name> --from-file <file>")
	}
	if printer := o.env.Printer(o.output); printer.Structured() {
		return printer.Value(map[string]string{"url": page})
	}
	return o.env.Printer(output.Options{}).Line(page)
}
