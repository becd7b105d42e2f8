// Package task holds the command that runs background tasks.
package task

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/sdk"
)

// NewCmd makes usher task.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("task", "run the background tasks that programs delay", []string{"tasks"}, func() []*cobra.Command {
		return []*cobra.Command{newServeCmd(env)}
	})
	cmd.Example = "usher task serve tasks.py:send_mail"
	return cmd
}

func newServeCmd(env *cli.Env) *cobra.Command {
	var entrypoints, modules []string
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "run delayed calls of Python tasks, in the foreground",
		Example: "usher task serve tasks.py:send_mail tasks.py:resize --limit 4\nusher task serve --module shop.tasks",
	}
	cli.Positionals(cmd, cli.Positional{Name: "entrypoints", Values: &entrypoints})
	handover := sdk.Define(cmd, env)
	cmd.Flags().StringArrayVarP(&modules, "module", "m", nil, "all tasks of a Python `module`; repeatable")
	cmd.Flags().Int("limit", 10, "how many may go on here at once; 0 for no limit")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if (len(entrypoints) == 0) == (len(modules) == 0) {
			return cli.Usagef("say either tasks, as file.py:task, or --module")
		}
		near := ""
		if len(entrypoints) > 0 {
			near = entrypoints[0]
		}
		return handover.Run(cmd.Context(), cmd, near, entrypoints...)
	}
	return cmd
}
