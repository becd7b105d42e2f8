package workqueue

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type deleteOptions struct {
	queue

	yes    bool
	output output.Options
}

func newDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &deleteOptions{queue: queue{env: env}}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove a work queue",
		Example: "usher work-queue delete urgent --pool local",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.arguments(cmd)
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[response]())
	return cmd
}

func (o *deleteOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	found, err := o.find(ctx, c)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete work queue %q?", found.Name); err != nil {
		return err
	}
	if err := c.DeleteWorkQueue(ctx, found.ID); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, *found, "Deleted work queue %q.", found.Name)
}
