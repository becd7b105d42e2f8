package workpool

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type deleteOptions struct {
	env  *cli.Env
	name string
	yes  bool

	output output.Options
}

func newDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &deleteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove a work pool and its queues",
		Example: "usher work-pool delete local",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.WorkPoolResponse]())
	return cmd
}

func (o *deleteOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	pool, err := find.WorkPool(ctx, c, o.name)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete work pool %q and its queues?", pool.Name); err != nil {
		return err
	}
	if err := c.DeleteWorkPool(ctx, pool.Name); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, *pool, "Deleted work pool %q.", pool.Name)
}
