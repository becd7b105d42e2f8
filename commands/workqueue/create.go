package workqueue

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type createOptions struct {
	queue

	output          output.Options
	limit, priority int
}

func newCreateCmd(env *cli.Env) *cobra.Command {
	opts := &createOptions{queue: queue{env: env}}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "make a work queue",
		Example: "usher work-queue create urgent --pool local --priority 1\nusher work-queue create slow --pool local --limit 2",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &opts.name, Required: true})
	opts.poolFlag(cmd)
	cmd.Flags().IntVarP(&opts.limit, "limit", "l", 0, "how many of its runs may go on at once")
	cmd.Flags().IntVarP(&opts.priority, "priority", "q", 0, "which queue is served first: 1 before 2")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.WorkQueueResponse]())
	return cmd
}

func (o *createOptions) run(cmd *cobra.Command) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	request := &api.WorkQueueCreate{Name: o.name}
	if cmd.Flags().Changed("limit") {
		request.ConcurrencyLimit = api.Some(o.limit)
	}
	if cmd.Flags().Changed("priority") {
		request.Priority = api.Some(o.priority)
	}
	made, err := o.create(cmd.Context(), c, request)
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if !printer.Structured() {
		o.env.Sayf("Created work queue %q in work pool %q.", made.Name, output.Text(made.WorkPoolName))
	}
	return output.Detail(printer, made, append(columns(), description()))
}

func (o *createOptions) create(ctx context.Context, c *client.Client, request *api.WorkQueueCreate) (made api.WorkQueueResponse, err error) {
	if o.pool == "" {
		made, err = c.CreateWorkQueue(ctx, request)
	} else {
		made, err = c.CreateWorkQueueInWorkPools(ctx, o.pool, request)
	}
	switch api.CodeOf(err) {
	case api.CodeConflict:
		return made, cli.Fail(cli.Refused, fmt.Sprintf("there is a work queue named %q already", o.name), "")
	case api.CodeNotFound:
		if _, missing := find.WorkPool(ctx, c, o.pool); missing != nil {
			return made, missing
		}
	}
	return made, err
}
