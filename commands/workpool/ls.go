package workpool

import (
	"cmp"
	"context"
	"slices"

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
		Short:   "list work pools, the newest first",
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
	read := func(offset, limit int) ([]api.WorkPoolResponse, error) {
		return c.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	}
	if o.output.Structured() {
		return find.List(o.env, o.output, columns(o.verbose), "", o.limit, read)
	}
	pools, err := find.Pages(o.limit, read) // to be sorted
	if err != nil {
		return err
	}
	if len(pools) == 0 {
		o.env.Say("No work pools found. `usher work-pool create <name> --type process` makes one.")
	}
	slices.SortStableFunc(pools, newestFirst)
	return output.List(o.env.Printer(o.output), pools, columns(o.verbose))
}

func newestFirst(a, b api.WorkPoolResponse) int {
	if a.Created == nil || b.Created == nil {
		return cmp.Compare(a.Name, b.Name)
	}
	return b.Created.Compare(a.Created.Time)
}
