package flowrun

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	selection

	output output.Options
	limit  int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{selection: selection{env: env}}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list flow runs, the newest first",
		Example: "usher flow-run ls\nusher flow-run ls --state Failed --state Crashed --limit 0\nusher flow-run ls --state-type RUNNING --json id,name",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	opts.define(cmd)
	cmd.Flags().IntVar(&opts.limit, "limit", 15, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.FlowRunResponse]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if !printer.Structured() && !printer.ForPeople() {
		return o.stream(ctx, c, printer)
	}
	runs, err := o.read(ctx, c, o.limit)
	if err != nil {
		return err
	}
	if printer.Structured() {
		return printer.Value(runs)
	}
	if len(runs) == 0 {
		o.env.Say("No flow runs found.")
	}
	list, err := rows(ctx, c, runs)
	if err != nil {
		return err
	}
	return output.List(printer, list, columns())
}

// stream prints rows as they come: a pipe has no widths to know first.
func (o *listOptions) stream(ctx context.Context, c *client.Client, printer *output.Printer) error {
	found := false
	err := o.each(ctx, c, o.limit, func(page []api.FlowRunResponse) error {
		found = found || len(page) > 0
		list, err := rows(ctx, c, page)
		if err != nil {
			return err
		}
		return output.List(printer, list, columns())
	})
	if err == nil && !found {
		o.env.Say("No flow runs found.")
	}
	return err
}
