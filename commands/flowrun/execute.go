package flowrun

import (
	"os"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/sdk"
)

// runVariable names the flow run, as workers tell it to the processes that they start.
const runVariable = "PREFECT__FLOW_RUN_ID"

func newExecuteCmd(env *cli.Env) *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:     "execute",
		Short:   "execute a Python flow run in this process; containers and jobs call it",
		Long:    "The run is named by its id, or by " + runVariable + ".",
		Example: "usher flow-run execute 0198c6a2-6f0e-7c7e-b1f5-2f3f8e1f7c11",
	}
	cli.Positionals(cmd, cli.Positional{Name: "id", Value: &id})
	handover := sdk.Define(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if id == "" {
			id = os.Getenv(runVariable)
		}
		if id == "" {
			return cli.Usagef("which flow run? Say its id, or set %s", runVariable)
		}
		if _, err := uuid.Parse(id); err != nil {
			return cli.Usagef("%q is not an id", id)
		}
		return handover.Run(cmd.Context(), cmd, "", id)
	}
	return cmd
}
