package workpool

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/upcoming"
)

type previewOptions struct {
	env    *cli.Env
	output output.Options
	name   string
	hours  int
}

func newPreviewCmd(env *cli.Env) *cobra.Command {
	opts := &previewOptions{env: env}
	cmd := &cobra.Command{
		Use:     "preview",
		Short:   "list the runs that a work pool is going to hand out",
		Example: "usher work-pool preview local\nusher work-pool preview local --hours 12",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	cmd.Flags().IntVarP(&opts.hours, "hours", "h", 0, "only runs of the next `hours`")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.FlowRunResponse]())
	return cmd
}

func (o *previewOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	pool, err := find.WorkPool(ctx, c, o.name)
	if err != nil {
		return err
	}
	var until time.Time
	if o.hours > 0 {
		until = o.env.Now().Add(time.Duration(o.hours) * time.Hour)
	}
	runs, err := upcoming.Read(ctx, c, upcoming.Where{Pool: pool.ID}, until)
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if len(runs) == 0 && !printer.Structured() {
		o.env.Sayf("No runs are scheduled in work pool %q.", pool.Name)
	}
	return output.List(printer, runs, upcoming.Columns(o.env.Now()))
}
