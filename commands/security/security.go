// Package security holds the commands that tell how secure a server is, and what it holds.
package security

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
)

// NewCmd makes usher security.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("security", "see how secure the server is, and what it holds", nil, func() []*cobra.Command {
		return []*cobra.Command{newReportCmd(env), newDataMapCmd(env), newEvidenceCmd(env)}
	})
	cmd.Example = "usher security report"
	return cmd
}

// connect is the client of the account in use, or of the server if it has none.
func connect(env *cli.Env) (*client.Client, error) {
	settings, err := env.Settings()
	if err != nil {
		return nil, err
	}
	account, _, _ := strings.Cut(settings.APIURL(), "/workspaces/")
	return env.ConnectTo(settings, account)
}
