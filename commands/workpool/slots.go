package workpool

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/slots"
)

type slotsOptions struct {
	env    *cli.Env
	output output.Options
	name   string
}

func newSlotsCmd(env *cli.Env) *cobra.Command {
	opts := &slotsOptions{env: env}
	cmd := &cobra.Command{
		Use:     "slots",
		Short:   "show which runs hold the slots of a work pool",
		Example: "usher work-pool slots local",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.WorkPoolConcurrencyStatus]())
	return cmd
}

// queueStatus is the status of a queue, which says so if runs are missing from it.
type queueStatus struct {
	api.WorkQueueConcurrencyStatusDetail

	Truncated *truncated `json:"_truncated,omitzero"`
}

type truncated struct {
	Shown int `json:"shown"`
	Total int `json:"total"`
}

// poolStatus is the status of a pool with the queues of all pages.
type poolStatus struct {
	api.WorkPoolConcurrencyStatus

	Queues []queueStatus `json:"queues"`
}

func (o *slotsOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	status, err := readSlots(ctx, c, o.name)
	if err != nil {
		if api.CodeOf(err) == api.CodeNotFound {
			_, err = find.WorkPool(ctx, c, o.name)
		}
		return err
	}
	printer := o.env.Printer(o.output)
	if printer.Structured() {
		return printer.Value(status)
	}
	var holders []slots.Holder
	for _, q := range status.Queues {
		holders = append(holders, slots.Holders(q.QueueName, q.FlowRuns)...)
		if q.Truncated != nil {
			o.env.Sayf("Queue %q: %d of its %d runs are shown.", q.QueueName, q.Truncated.Shown, q.Truncated.Total)
		}
	}
	return slots.Show(o.env, printer, status.ActiveSlots, status.ConcurrencyLimit, holders)
}

// readSlots reads all queues of a pool.
func readSlots(ctx context.Context, c *client.Client, pool string) (all poolStatus, err error) {
	for page := 1; ; page++ {
		read, err := c.ReadWorkPoolConcurrencyStatus(ctx, pool, &api.ReadWorkPoolConcurrencyStatusRequest{
			Page: api.Some(page), FlowRunLimit: api.Some(find.PageSize),
		})
		if err != nil {
			return all, err
		}
		all.WorkPoolConcurrencyStatus = read
		for _, q := range read.Queues {
			all.Queues = append(all.Queues, queueStatus{q, missingRuns(q)})
		}
		if page >= read.Pages {
			all.Page, all.Pages, all.Count, all.Limit = 1, 1, len(all.Queues), len(all.Queues)
			return all, nil
		}
	}
}

func missingRuns(q api.WorkQueueConcurrencyStatusDetail) *truncated {
	if q.FlowRunCount == nil || *q.FlowRunCount <= len(q.FlowRuns) {
		return nil
	}
	return &truncated{Shown: len(q.FlowRuns), Total: *q.FlowRunCount}
}
