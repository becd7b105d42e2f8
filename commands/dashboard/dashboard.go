// Package dashboard holds the command that opens the web interface.
package dashboard

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// opened is the page that the browser shows.
type opened struct {
	URL string `json:"url"`
}

// NewCmd makes usher dashboard.
func NewCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	open := &cobra.Command{
		Use:     "open",
		Short:   "open the web interface in the browser",
		Example: "usher dashboard open",
		RunE: func(*cobra.Command, []string) error {
			if err := find.Browse(env, ""); err != nil || !options.Structured() {
				return err
			}
			return env.Printer(options).Value(opened{URL: find.Page(env, "")})
		},
	}
	cli.Positionals(open)
	cli.ResultFlags(open, &options, output.FieldsOf[opened]())
	cmd := cli.Group("dashboard", "look at everything in the browser", nil, func() []*cobra.Command {
		return []*cobra.Command{open}
	})
	cmd.Example = "usher dashboard open"
	return cmd
}
