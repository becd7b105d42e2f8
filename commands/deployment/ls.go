package deployment

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	env       *cli.Env
	output    output.Options
	flows     []string
	byCreated bool
	limit     int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list deployments, all or those of some flows",
		Example: "usher deployment ls\nusher deployment ls etl --by-created",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "flow_name", Values: &opts.flows, Complete: env.Complete(find.Flows)})
	cmd.Flags().BoolVar(&opts.byCreated, "by-created", false, "the newest first, instead of by name")
	cmd.Flags().IntVar(&opts.limit, "limit", 0, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.DeploymentResponse]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	const none = "No deployments found."
	if o.byCreated || o.output.Structured() {
		named := func(page []api.DeploymentResponse) ([]row, error) { return rows(ctx, c, page) }
		return find.ListAs(o.env, o.output, columns(), named, none, o.limit, o.reader(ctx, c))
	}
	listing := &byName{options: o, client: c}
	itself := func(page []row) ([]row, error) { return page, nil }
	found, err := output.Pages(o.env.Printer(o.output), columns(), itself, func(use func([]row) error) error { return listing.each(ctx, use) })
	if err == nil && found == 0 {
		o.env.Say(none)
	}
	return err
}

func (o *listOptions) reader(ctx context.Context, c *client.Client) func(offset, limit int) ([]api.DeploymentResponse, error) {
	request := &api.ReadDeploymentsRequest{}
	if len(o.flows) > 0 {
		request.Flows = &api.FlowFilter{Name: &api.Match[string]{Any: o.flows}}
	}
	if o.byCreated {
		request.Sort = api.Some(api.DeploymentSortCreatedDesc)
	}
	return func(offset, limit int) ([]api.DeploymentResponse, error) {
		request.Offset, request.Limit = api.Some(offset), api.Some(limit)
		return c.ReadDeployments(ctx, request)
	}
}

// rows adds their full names to deployments.
func rows(ctx context.Context, c *client.Client, list []api.DeploymentResponse) ([]row, error) {
	names, err := find.DeploymentNames(ctx, c, list)
	rows := make([]row, len(list))
	for i := range list {
		rows[i] = row{DeploymentResponse: list[i], name: names[list[i].ID]}
	}
	return rows, err
}
