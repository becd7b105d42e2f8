package variable

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
		Short:   "list variables",
		Example: "usher variable ls",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().IntVar(&opts.limit, "limit", 100, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Variable]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	return find.List(o.env, o.output, columns(), "No variables found. `usher variable set <name> <value>` makes one.", o.limit,
		func(offset, limit int) ([]api.Variable, error) {
			return c.ReadVariables(ctx, &api.ReadVariablesRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
		})
}
