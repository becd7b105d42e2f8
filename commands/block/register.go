package block

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/sdk"
)

func newRegisterCmd(env *cli.Env) *cobra.Command {
	var module, file string
	cmd := &cobra.Command{
		Use:     "register",
		Short:   "make block types of the block classes in Python code",
		Example: "usher block register --module prefect_aws.credentials\nusher block register --file blocks.py",
	}
	cli.Positionals(cmd)
	handover := sdk.Define(cmd, env)
	cmd.Flags().StringVarP(&module, "module", "m", "", "a Python `module`")
	cmd.Flags().StringVarP(&file, "file", "f", "", "a Python `file`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if (module == "") == (file == "") {
			return cli.Usagef("say either --module or --file")
		}
		return handover.Run(cmd.Context(), cmd, file)
	}
	return cmd
}
