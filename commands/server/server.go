// Package server is the noun of the control plane: start it here, ask how it is, stop
// it, look after its database.
package server

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// NewCmd makes usher server.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("server", "run a control plane, ask how it is, stop it", nil, func() []*cobra.Command {
		return []*cobra.Command{
			newStartCmd(env),
			newStatusCmd(env),
			newStopCmd(env),
			newImportCmd(env),
			newDatabaseCmd(env),
			newServicesCmd(env),
			newBootstrapCmd(env),
			newCertsCmd(env),
			newBackupCmd(env),
			newRestoreCmd(env),
		}
	})
	cmd.Example = "usher server start\nusher server status"
	return cmd
}
