package flow

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
	web    bool
	limit  int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list flows, the newest first",
		Example: "usher flow ls\nusher flow ls --json id,name",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().IntVar(&opts.limit, "limit", 15, "show at most this many; 0 for all")
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Flow]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	if o.web {
		return find.Browse(o.env, "/flows")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	return find.List(o.env, o.output, columns(), "No flows found.", o.limit, func(offset, limit int) ([]api.Flow, error) {
		return c.ReadFlows(ctx, &api.ReadFlowsRequest{Sort: api.Some(api.FlowSortCreatedDesc), Offset: api.Some(offset), Limit: api.Some(limit)})
	})
}
