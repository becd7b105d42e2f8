package globallimit

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
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
		Short:   "remove a global concurrency limit",
		Example: "usher gcl delete database",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name))
	cli.YesFlag(cmd, &opts.yes)
	resultFlags(cmd, &opts.output)
	return cmd
}

func (o *deleteOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	limit, err := read(ctx, c, o.name)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete global concurrency limit %q?", o.name); err != nil {
		return err
	}
	if err := c.DeleteConcurrencyLimitV2(ctx, key(o.name)); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, limit, "Deleted global concurrency limit %q.", o.name)
}
