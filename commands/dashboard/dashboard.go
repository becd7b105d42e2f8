// Package dashboard holds the command that opens the web interface.
package dashboard

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
)

// NewCmd makes usher dashboard.
func NewCmd(env *cli.Env) *cobra.Command {
	open := &cobra.Command{
		Use:     "open",
		Short:   "open the web interface in the browser",
		Example: "usher dashboard open",
		RunE:    func(*cobra.Command, []string) error { return find.Browse(env, "") },
	}
	cli.Positionals(open)
	cmd := cli.Group("dashboard", "look at everything in the browser", nil, open)
	cmd.Example = "usher dashboard open"
	return cmd
}
