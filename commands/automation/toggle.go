package automation

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type toggleOptions struct {
	env    *cli.Env
	which  which
	enable bool
	yes    bool
	output output.Options
}

func newToggleCmd(env *cli.Env, enable bool) *cobra.Command {
	opts := &toggleOptions{env: env, enable: enable}
	cmd := &cobra.Command{
		Use:     "pause",
		Aliases: []string{"disable"},
		Short:   "stop an automation from acting",
		Example: "usher automation pause restart-on-failure",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	if enable {
		cmd.Use, cmd.Aliases, cmd.Short = "resume", []string{"enable"}, "let a paused automation act again"
		cmd.Example = "usher automation resume restart-on-failure"
	}
	opts.which.define(cmd, env)
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Automation]())
	return cmd
}

func (o *toggleOptions) run(ctx context.Context) error {
	if err := o.which.check(); err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	list, err := o.which.find(ctx, c)
	if err != nil {
		return err
	}
	verb, done := "Pause", "Paused"
	if o.enable {
		verb, done = "Resume", "Resumed"
	}
	if len(list) > 1 {
		if err := o.env.ConfirmAlways(ctx, o.yes, "%s all %d automations named %q?", verb, len(list), o.which.name); err != nil {
			return err
		}
	}
	for i, a := range list {
		if err := c.PatchAutomation(ctx, a.ID, &api.AutomationPartialUpdate{Enabled: api.Some(o.enable)}); err != nil {
			return err
		}
		list[i].Enabled = o.enable
	}
	return cli.Results(o.env, o.output, list, "%s %s.", done, named(list))
}
