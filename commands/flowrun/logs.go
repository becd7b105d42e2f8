package flowrun

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/output"
)

type logsOptions struct {
	env        *cli.Env
	output     output.Options
	id         string
	deployment string
	pool       string
	follow     bool
	since      time.Duration
	logs       follow.Selection
}

const logsLong = "Lines are shown whole, oldest first. With -f it goes on: until the run has ended, or until Ctrl-C for the runs of a deployment or a work pool."

func newLogsCmd(env *cli.Env) *cobra.Command {
	return logsCmd(env, "show what a flow run logged, or those of a deployment or work pool",
		"usher flow-run logs curious-badger\nusher flow-run logs -f curious-badger\nusher flow-run logs curious-badger --tail -n 50")
}

// NewLogsCmd makes usher logs: flow-run logs, nearer at hand.
func NewLogsCmd(env *cli.Env) *cobra.Command {
	return logsCmd(env, "show what flow runs log: one, or those of a deployment or work pool",
		"usher logs curious-badger\nusher logs --deployment etl/nightly --tail\nusher logs -f --work-pool local")
}

func logsCmd(env *cli.Env, short, example string) *cobra.Command {
	opts := &logsOptions{env: env}
	cmd := &cobra.Command{
		Use: "logs", Short: short, Long: logsLong, Example: example,
		RunE: func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	run := runArgument(env, &opts.id)
	run.Required = false
	cli.Positionals(cmd, run)
	flags := cmd.Flags()
	flags.StringVar(&opts.deployment, "deployment", "", "of the newest runs of this `deployment`")
	flags.StringVar(&opts.pool, "work-pool", "", "of the newest runs of this work `pool`")
	flags.BoolVarP(&opts.follow, "follow", "f", false, "go on as lines come")
	flags.DurationVar(&opts.since, "since", time.Minute, "with -f and several runs: begin with the lines since this long ago")
	opts.logs.Flags(flags, 0)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Log]())
	_ = cmd.RegisterFlagCompletionFunc("deployment", env.Complete(find.Deployments)) // the flags are there
	_ = cmd.RegisterFlagCompletionFunc("work-pool", env.Complete(find.WorkPools))
	return cmd
}

func (o *logsOptions) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if o.follow && (printer.Structured() || o.logs.Bounded()) {
		return cli.Usagef("--follow shows all lines as text: leave out --head, --tail, --num-logs, --reverse and --output")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if o.id == "" {
		return o.several(ctx, c, printer)
	}
	run, err := find.FlowRun(ctx, c, o.id)
	if err != nil {
		return err
	}
	if o.follow {
		return o.untilEnd(ctx, c, run, printer)
	}
	return o.show(ctx, c, printer, map[uuid.UUID]string{run.ID: run.Name})
}

func (o *logsOptions) check() error {
	given := 0
	for _, what := range []string{o.id, o.deployment, o.pool} {
		if what != "" {
			given++
		}
	}
	switch {
	case given == 0:
		return cli.Usagef("whose log? name a flow run, a --deployment or a --work-pool").WithHint("`usher flow-run ls` lists the newest runs")
	case given > 1:
		return cli.Usagef("a flow run, --deployment and --work-pool can't be combined")
	}
	return o.logs.Check()
}

// show prints the lines that are there.
func (o *logsOptions) show(ctx context.Context, c *client.Client, printer *output.Printer, names map[uuid.UUID]string) error {
	logs := []api.Log{}
	if len(names) > 0 {
		var err error
		filter := &api.LogFilter{FlowRunID: &api.Match[uuid.UUID]{Any: slices.Collect(maps.Keys(names))}}
		if logs, err = o.logs.Read(ctx, c, filter); err != nil {
			return err
		}
	}
	if printer.Structured() {
		return printer.Value(logs)
	}
	return printer.Paged(ctx, func() error { return o.lines(printer, names).Print(logs) })
}

func (o *logsOptions) lines(printer *output.Printer, names map[uuid.UUID]string) follow.Lines {
	return follow.Lines{Printer: printer, Now: o.env.Now, Prefix: func(l *api.Log) string {
		if l.FlowRunID == nil {
			return ""
		}
		return fmt.Sprintf("Flow run '%s' - ", names[*l.FlowRunID])
	}}
}

// several is for the runs of a deployment or work pool.
func (o *logsOptions) several(ctx context.Context, c *client.Client, printer *output.Printer) error {
	runs, err := o.runs(ctx, c)
	if err != nil {
		return err
	}
	if !o.follow {
		names, err := runs.Newest(ctx, c)
		if err != nil {
			return err
		}
		if len(names) == 0 && !printer.Structured() {
			o.env.Say("No flow run has started there.")
		}
		return o.show(ctx, c, printer, names)
	}
	o.env.Say("Waiting for log lines; Ctrl+C ends it.")
	return untilBroken(ctx, func(ctx context.Context, broken func(error)) error {
		return follow.Several(ctx, c, runs, o.env.Now().Add(-o.since), time.Second, func(lines []api.Log, names map[uuid.UUID]string) {
			broken(o.lines(printer, names).Print(lines))
		})
	})
}

func (o *logsOptions) runs(ctx context.Context, c *client.Client) (follow.Runs, error) {
	if o.pool != "" {
		pool, err := find.WorkPool(ctx, c, o.pool)
		if err != nil {
			return follow.Runs{}, err
		}
		return follow.Runs{Pool: pool.Name, PoolID: pool.ID}, nil
	}
	d, err := find.Deployment(ctx, c, o.deployment)
	if err != nil {
		return follow.Runs{}, err
	}
	return follow.Runs{Deployment: d.ID}, nil
}

func (o *logsOptions) untilEnd(ctx context.Context, c *client.Client, run *api.FlowRunResponse, printer *output.Printer) error {
	lines := o.lines(printer, map[uuid.UUID]string{run.ID: run.Name})
	return untilBroken(ctx, func(ctx context.Context, broken func(error)) error {
		_, err := follow.Run(ctx, c, run.ID, follow.Options{Logs: true}, follow.Sink{Logs: func(logs []api.Log) { broken(lines.Print(logs)) }})
		return err
	})
}

// untilBroken lets watching end when what it finds can't be printed any more: the pipe is full or
// gone.
func untilBroken(ctx context.Context, watch func(context.Context, func(error)) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var first error
	err := watch(ctx, func(err error) {
		if err != nil && first == nil {
			first = err
			stop()
		}
	})
	if first != nil {
		return first
	}
	return err
}
