// Package sdk holds the command that writes a typed Python module of what is deployed.
package sdk

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/sdk"
)

// NewCmd makes usher sdk.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("sdk", "make Python code of what is deployed", nil, func() []*cobra.Command {
		return []*cobra.Command{newGenerateCmd(env)}
	})
	cmd.Example = "usher sdk generate --output deployments.py"
	return cmd
}

func newGenerateCmd(env *cli.Env) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:     "generate",
		Short:   "write a typed Python module with a function for each deployment",
		Example: "usher sdk generate --output deployments.py --flow etl",
	}
	cli.Positionals(cmd)
	handover := sdk.Define(cmd, env)
	cmd.Flags().StringVarP(&file, "output", "o", "", "the `file` to write")
	cmd.Flags().StringArrayP("flow", "f", nil, "only deployments of this `flow`; repeatable")
	cmd.Flags().StringArrayP("deployment", "d", nil, "only this `deployment`, as flow/deployment; repeatable")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if file == "" {
			return cli.Usagef("usher sdk generate needs --output")
		}
		return handover.Run(cmd.Context(), cmd, "")
	}
	return cmd
}
