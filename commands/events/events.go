// Package events holds the commands about events: what has happened, as it happens.
package events

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// NewCmd makes usher events.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("events", "see what happens, and tell the server of more", []string{"event"}, func() []*cobra.Command {
		return []*cobra.Command{newListCmd(env), newStreamCmd(env), newEmitCmd(env)}
	})
	cmd.Example = "usher events stream\nusher events ls --since 1h"
	return cmd
}
