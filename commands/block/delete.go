package block

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type deleteOptions struct {
	env   *cli.Env
	which which
	yes   bool

	output output.Options
}

func newDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &deleteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove a block",
		Example: "usher block delete secret/api-token",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.which.define(cmd, env)
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.BlockDocument]())
	return cmd
}

func (o *deleteOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	block, err := o.which.find(ctx, c)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete block %q?", find.BlockSlug(&block)); err != nil {
		return err
	}
	if err := c.DeleteBlockDocument(ctx, block.ID); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, block, "Deleted block %q.", find.BlockSlug(&block))
}
