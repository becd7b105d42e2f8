// Package plugins holds the command that looks at the SDK's plugins.
package plugins

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/sdk"
)

// NewCmd makes usher plugins.
func NewCmd(env *cli.Env) *cobra.Command {
	diagnose := &cobra.Command{
		Use:     "diagnose",
		Short:   "show which plugins the Python SDK finds, and what they do",
		Example: "usher plugins diagnose",
	}
	cli.Positionals(diagnose)
	handover := sdk.Define(diagnose, env)
	diagnose.RunE = func(cmd *cobra.Command, _ []string) error { return handover.Run(cmd.Context(), cmd, "") }
	cmd := cli.Group("plugins", "look at the plugins of the Python SDK", nil, func() []*cobra.Command {
		return []*cobra.Command{diagnose}
	})
	cmd.Example = "usher plugins diagnose"
	return cmd
}
