// Package shell holds the commands that run a line of shell as a flow.
package shell

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/sdk"
)

// NewCmd makes usher shell.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("shell", "run a line of shell as a flow", nil, func() []*cobra.Command {
		return []*cobra.Command{newWatchCmd(env), newServeCmd(env)}
	})
	cmd.Example = "usher shell watch 'df -h /data'"
	return cmd
}

func newWatchCmd(env *cli.Env) *cobra.Command {
	var command string
	cmd := &cobra.Command{
		Use:     "watch",
		Short:   "run a command now, as a flow run with its output as logs",
		Example: "usher shell watch 'df -h /data' --tag housekeeping",
	}
	cli.Positionals(cmd, cli.Positional{Name: "command", Value: &command, Required: true})
	handover := sdk.Define(cmd, env)
	flags := cmd.Flags()
	flags.Bool("log-output", true, "send what it prints to the run's logs")
	flags.String("flow-run-name", "", "the `name` of the run")
	flags.String("flow-name", "Shell Command", "the `name` of the flow")
	flags.Bool("stream-stdout", true, "print what it prints here too")
	flags.StringArray("tag", nil, "a `tag` of the run; repeatable")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return handover.Run(cmd.Context(), cmd, "", command) }
	return cmd
}
