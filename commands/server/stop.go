package server

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// stopPatience is how long a server may take to finish what it does.
const stopPatience = 15 * time.Second

func newStopCmd(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "stop",
		Short:   "stop the server that runs in the background",
		Example: "usher server stop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return stop(cmd.Context(), env, "server", "No server runs in the background.")
		},
	}
	cli.Positionals(cmd)
	return cmd
}

// stop ends what runs in the background. That nothing does is as good.
func stop(ctx context.Context, env *cli.Env, what, nothing string) error {
	settings, err := env.Settings()
	if err != nil {
		return err
	}
	note := pidFileIn(settings.Home(), what)
	pid, err := note.running()
	if err != nil {
		return err
	}
	if pid == 0 {
		env.Say(nothing)
		return nil
	}
	if err := askToStop(pid); err != nil {
		return cli.Fail(cli.Failure, "cannot stop process "+strconv.Itoa(pid)+": "+err.Error(), "it may belong to somebody else")
	}
	if err := untilGone(ctx, pid); err != nil {
		return cli.Fail(cli.TimedOut, "process "+strconv.Itoa(pid)+" is still there", "it may be busy; ask again")
	}
	env.Say("Stopped.")
	return note.remove()
}

func untilGone(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for isAlive(pid) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
