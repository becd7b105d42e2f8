package flowrun

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	selection

	output output.Options
	limit  int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{selection: selection{env: env}}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list flow runs, the newest first",
		Example: "usher flow-run ls\nusher flow-run ls --state Failed --state Crashed --limit 0\nusher flow-run ls --state-type RUNNING --json id,name",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	opts.define(cmd)
	cmd.Flags().IntVar(&opts.limit, "limit", 15, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.FlowRunResponse]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	request, err := o.request(ctx, c)
	if err != nil {
		return err
	}
	withFlows := func(page []api.FlowRunResponse) ([]row, error) { return rows(ctx, c, page) }
	return find.ListAs(o.env, o.output, columns(), withFlows, "No flow runs found.", o.limit, func(offset, limit int) ([]api.FlowRunResponse, error) {
		request.Offset, request.Limit = api.Some(offset), api.Some(limit)
		return c.ReadFlowRuns(ctx, request)
	})
}
