package block

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	env    *cli.Env
	output output.Options
	limit  int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list blocks; secrets are masked",
		Example: "usher block ls",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().IntVar(&opts.limit, "limit", 0, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.BlockDocument]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	return find.List(o.env, o.output, columns(), "No blocks found. `usher block type ls` lists what kinds there are.", o.limit,
		func(offset, limit int) ([]api.BlockDocument, error) {
			return c.ReadBlockDocuments(ctx, &api.ReadBlockDocumentsRequest{
				Sort: api.Some(api.BlockDocumentSortBlockTypeAndNameAsc), Offset: api.Some(offset), Limit: api.Some(limit),
			})
		})
}

type inspectOptions struct {
	env    *cli.Env
	output output.Options
	which  which
	web    bool
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show a block; its secrets are masked",
		Example: "usher block inspect secret/api-token",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.which.define(cmd, env)
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.BlockDocument]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	block, err := o.which.find(ctx, c)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, "/blocks/block/"+block.ID.String())
	}
	return output.Detail(o.env.Printer(o.output), block, properties())
}
