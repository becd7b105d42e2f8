package workpool

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	env     *cli.Env
	output  output.Options
	verbose bool
	limit   int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list work pools by name",
		Example: "usher work-pool ls\nusher work-pool ls --json name,type,status",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().BoolVarP(&opts.verbose, "verbose", "v", false, "show the templates of their jobs too")
	cmd.Flags().IntVar(&opts.limit, "limit", 0, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.WorkPoolResponse]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	const none = "No work pools found. `usher work-pool create <name> --type process` makes one."
	return find.List(o.env, o.output, columns(o.verbose), none, o.limit, func(offset, limit int) ([]api.WorkPoolResponse, error) {
		return c.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	})
}
