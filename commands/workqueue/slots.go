package workqueue

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/slots"
)

type slotsOptions struct {
	queue

	output output.Options
}

func newSlotsCmd(env *cli.Env) *cobra.Command {
	opts := &slotsOptions{queue: queue{env: env}}
	cmd := &cobra.Command{
		Use:     "slots",
		Short:   "show which runs hold the slots of a work queue",
		Example: "usher work-queue slots urgent --pool local",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.arguments(cmd)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.WorkQueueConcurrencyStatus]())
	return cmd
}

func (o *slotsOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	found, err := o.find(ctx, c)
	if err != nil {
		return err
	}
	var status api.WorkQueueConcurrencyStatus
	for page := 1; ; page++ {
		read, err := c.ReadWorkQueueConcurrencyStatus(ctx, found.ID, &api.ReadWorkQueueConcurrencyStatusRequest{Page: api.Some(page)})
		if err != nil {
			return err
		}
		read.FlowRuns = append(status.FlowRuns, read.FlowRuns...)
		status = read
		if page >= read.Pages {
			break
		}
	}
	status.Page, status.Pages, status.Limit = 1, 1, len(status.FlowRuns)
	printer := o.env.Printer(o.output)
	if printer.Structured() {
		return printer.Value(status)
	}
	return slots.Show(o.env, printer, status.ActiveSlots, status.ConcurrencyLimit, slots.Holders(found.Name, status.FlowRuns))
}
