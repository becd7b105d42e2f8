// Package top holds the command that shows what goes on, full screen and live.
package top

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// NewCmd makes usher top.
func NewCmd(env *cli.Env) *cobra.Command {
	interval := 2 * time.Second
	cmd := &cobra.Command{
		Use:     "top",
		Short:   "watch runs, workers, queues and logs, full screen",
		Long:    "Keys: 1 to 4 or tab choose what is shown, the arrows a line; enter shows the log of a run; / looks for a name; space holds the picture; q ends it.",
		Example: "usher top\nusher top --interval 5s",
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), env, interval) },
	}
	cli.Positionals(cmd)
	cmd.Flags().DurationVar(&interval, "interval", interval, "look this often")
	return cmd
}

func run(ctx context.Context, env *cli.Env, interval time.Duration) error {
	if interval < 100*time.Millisecond {
		return cli.Usagef("--interval %s is too short; 100ms is the least", interval)
	}
	if !env.Streams.CanPrompt() {
		return cli.Usagef("usher top needs a terminal that it can draw on").WithHint("`usher flow-run ls`, `usher work-pool ls` and `usher logs` print the same for a pipe")
	}
	client, err := env.Client()
	if err != nil {
		return err
	}
	reader := &reader{client: client, now: env.Now}
	first, err := reader.read(ctx) // an API that is not there is told as by any command
	if err != nil {
		return err
	}
	m := &model{ctx: ctx, reader: reader, interval: interval, seen: first, color: env.Streams.OutColor(), now: env.Now}
	_, err = tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(env.Streams.In), tea.WithOutput(env.Streams.Out), tea.WithoutSignalHandler()).Run()
	switch {
	case errors.Is(err, tea.ErrInterrupted) || errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil:
		return context.Canceled
	case err != nil:
		return err
	}
	return nil
}
