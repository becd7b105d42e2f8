package variable

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type unsetOptions struct {
	env  *cli.Env
	name string
	yes  bool

	output output.Options
}

func newUnsetCmd(env *cli.Env) *cobra.Command {
	opts := &unsetOptions{env: env}
	cmd := &cobra.Command{
		Use:     "unset",
		Aliases: []string{"delete", "rm"},
		Short:   "remove a variable",
		Example: "usher variable unset threshold",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name))
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Variable]())
	return cmd
}

func (o *unsetOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	v, err := read(ctx, c, o.name)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete variable %q?", o.name); err != nil {
		return err
	}
	if err := c.DeleteVariableByName(ctx, o.name); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, v, "Deleted variable %q.", o.name)
}
