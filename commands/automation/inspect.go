package automation

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type inspectOptions struct {
	env    *cli.Env
	output output.Options
	web    bool
	which  which
	yaml   bool
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show an automation",
		Long:    "Programs get a list of all automations with that name; with --id they get the one.",
		Example: "usher automation inspect restart-on-failure\nusher automation inspect restart-on-failure --yaml",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.which.define(cmd, env)
	cmd.Flags().BoolVar(&opts.yaml, "yaml", false, "print YAML")
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Automation]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	if err := o.which.check(); err != nil {
		return err
	}
	if o.yaml {
		o.output.Format = output.YAML
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	list, err := o.which.find(ctx, c)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, "/automations/automation/"+list[0].ID.String())
	}
	printer := o.env.Printer(o.output)
	if printer.Structured() && o.which.id == "" {
		return printer.Value(list)
	}
	for _, a := range list {
		if err := output.Detail(printer, a, properties()); err != nil {
			return err
		}
	}
	return nil
}
