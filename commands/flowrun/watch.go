package flowrun

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/output"
)

type watchOptions struct {
	env     *cli.Env
	output  output.Options
	id      string
	timeout int
}

func newWatchCmd(env *cli.Env) *cobra.Command {
	opts := &watchOptions{env: env}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "follow a flow run to its end and answer how it went",
		Long: "Its log lines go to standard output, its states to standard error. The exit code is 0 for a run that completed and 8 " +
			"for one that did not. An interrupt ends the watching; the run goes on.",
		Example: "usher flow-run watch curious-badger\nusher flow-run watch curious-badger --timeout 600 && echo done",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, runArgument(env, &opts.id))
	cmd.Flags().IntVar(&opts.timeout, "timeout", 0, "give up after this many `seconds`")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.FlowRunResponse]())
	return cmd
}

func (o *watchOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	run, err := find.FlowRun(ctx, c, o.id)
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	run, err = follow.Show(ctx, o.env, c, run.ID, follow.ShowOptions{Timeout: time.Duration(o.timeout) * time.Second, Quiet: printer.Structured()})
	if err != nil {
		return err
	}
	if printer.Structured() {
		if err := printer.Value(run); err != nil {
			return err
		}
	}
	return follow.Verdict(o.env, run)
}

func idText(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}
