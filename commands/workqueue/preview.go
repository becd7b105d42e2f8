package workqueue

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/upcoming"
)

type previewOptions struct {
	queue

	output output.Options
	hours  int
}

func newPreviewCmd(env *cli.Env) *cobra.Command {
	opts := &previewOptions{queue: queue{env: env}}
	cmd := &cobra.Command{
		Use:     "preview",
		Short:   "list the runs that a work queue is going to hand out",
		Example: "usher work-queue preview urgent --pool local --hours 12",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.arguments(cmd)
	cmd.Flags().IntVarP(&opts.hours, "hours", "h", 0, "only runs of the next `hours`")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.FlowRunResponse]())
	return cmd
}

// newReadRunsCmd makes read-runs, the other name of the preview in the reference.
func newReadRunsCmd(env *cli.Env) *cobra.Command {
	opts := &previewOptions{queue: queue{env: env}}
	cmd := &cobra.Command{
		Use:     "read-runs",
		Short:   "list the runs of a work queue, like preview",
		Example: "usher work-queue read-runs urgent --pool local",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.arguments(cmd)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.FlowRunResponse]())
	return cmd
}

func (o *previewOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	found, err := o.find(ctx, c)
	if err != nil {
		return err
	}
	var until time.Time
	if o.hours > 0 {
		until = o.env.Now().Add(time.Duration(o.hours) * time.Hour)
	}
	runs, err := upcoming.Read(ctx, c, upcoming.Where{Queue: found.ID}, until)
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if len(runs) == 0 && !printer.Structured() {
		o.env.Sayf("No runs are scheduled in work queue %q.", found.Name)
	}
	return output.List(printer, runs, upcoming.Columns(o.env.Now()))
}
