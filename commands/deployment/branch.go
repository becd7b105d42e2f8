package deployment

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type branchOptions struct {
	env       *cli.Env
	name      string
	branch    string
	schedules string
	output    output.Options
}

func newBranchCmd(env *cli.Env) *cobra.Command {
	opts := &branchOptions{env: env}
	cmd := &cobra.Command{
		Use:     "branch",
		Short:   "copy a deployment to try something out",
		Long:    "The copy is of the same flow and called after both. Its schedules are left out, kept, or kept inactive.",
		Example: "usher deployment branch etl/nightly feature/faster\nusher deployment branch etl/nightly staging --schedules inactive",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true), cli.Positional{Name: "branch", Value: &opts.branch, Required: true})
	cmd.Flags().StringVar(&opts.schedules, "schedules", "remove", "what becomes of the schedules: remove, keep or inactive")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.DeploymentResponse]())
	return cmd
}

func (o *branchOptions) run(ctx context.Context) error {
	handling := api.BranchingScheduleHandling(o.schedules)
	if !slices.Contains(handling.Values(), o.schedules) {
		return cli.Usagef("--schedules %q: say remove, keep or inactive", o.schedules)
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, o.name)
	if err != nil {
		return err
	}
	raw, err := c.BranchFromDeployment(ctx, d.ID, &api.DeploymentBranch{Branch: o.branch, Options: api.Some(api.DeploymentBranchingOptions{ScheduleHandling: api.Some(handling)})})
	if err != nil {
		return err
	}
	var made api.DeploymentResponse
	if err := json.Unmarshal(raw, &made); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, made, "Created deployment %q from %q.", made.Name, d.Name)
}
