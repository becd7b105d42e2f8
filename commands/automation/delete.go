package automation

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

type deleteOptions struct {
	env   *cli.Env
	which which
	all   bool
	yes   bool

	output output.Options
}

func newDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &deleteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove an automation, or all of them",
		Example: "usher automation delete restart-on-failure\nusher automation delete --all",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.which.define(cmd, env)
	cmd.Flags().BoolVar(&opts.all, "all", false, "remove every automation")
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Automation]())
	return cmd
}

func (o *deleteOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	list, err := o.chosen(ctx, c)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return cli.Results(o.env, o.output, list, "No automations found.")
	}
	question := "Delete automation " + list[0].Name + "?"
	if o.all {
		question = "Delete all automations?"
	}
	if err := o.env.Confirm(ctx, o.yes, "%s", question); err != nil {
		return err
	}
	for _, a := range list {
		if err := c.DeleteAutomation(ctx, a.ID); err != nil && api.CodeOf(err) != api.CodeNotFound {
			return err
		}
	}
	return cli.Results(o.env, o.output, list, "Deleted %s.", named(list))
}

func (o *deleteOptions) chosen(ctx context.Context, c *client.Client) ([]api.Automation, error) {
	if o.all {
		if o.which.name != "" || o.which.id != "" {
			return nil, cli.Usagef("say either --all or which one")
		}
		return all(ctx, c, nil)
	}
	if err := o.which.check(); err != nil {
		return nil, err
	}
	one, err := o.which.one(ctx, c)
	return []api.Automation{one}, err
}
