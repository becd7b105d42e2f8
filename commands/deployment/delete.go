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

type deleteOptions struct {
	env  *cli.Env
	name string
	id   string
	all  bool
	yes  bool

	output output.Options
}

func newDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &deleteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove a deployment, or all of them",
		Example: "usher deployment delete etl/nightly",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, false))
	cmd.Flags().StringVar(&opts.id, "id", "", "the deployment's `id`, instead of its name")
	cmd.Flags().BoolVar(&opts.all, "all", false, "every deployment there is")
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.DeploymentResponse]())
	return cmd
}

func (o *deleteOptions) run(ctx context.Context) error {
	if o.all && o.name+o.id != "" {
		return cli.Usagef("--all removes every deployment: leave out the name")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if o.all {
		return o.deleteAll(ctx, c)
	}
	which, err := chosen(o.name, o.id)
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, which)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete deployment %q?", d.Name); err != nil {
		return err
	}
	if err := c.DeleteDeployment(ctx, d.ID); err != nil {
		return err
	}
	return cli.Results(o.env, o.output, []api.DeploymentResponse{*d}, "Deleted deployment %q.", which)
}

func (o *deleteOptions) deleteAll(ctx context.Context, c *client.Client) error {
	list, err := find.Pages(0, func(offset, limit int) ([]api.DeploymentResponse, error) {
		return c.ReadDeployments(ctx, &api.ReadDeploymentsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return cli.Results(o.env, o.output, list, "No deployments found.")
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete all %d deployments?", len(list)); err != nil {
		return err
	}
	for _, d := range list {
		if err := c.DeleteDeployment(ctx, d.ID); err != nil && api.CodeOf(err) != api.CodeNotFound {
			return err
		}
	}
	return cli.Results(o.env, o.output, list, "Deleted %d deployments.", len(list))
}
