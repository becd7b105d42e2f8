// Package worker is the noun of workers: start one here, and see who works.
package worker

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// NewCmd makes usher worker.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("worker", "run the flow runs of a work pool", nil, func() []*cobra.Command {
		return []*cobra.Command{newStartCmd(env), newListCmd(env)}
	})
	cmd.Example = "usher worker start --pool default"
	return cmd
}
