// Package dev answers for the reference's commands that work on its own source code.
package dev

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// NewCmd makes usher dev, which explains itself whatever it is given.
func NewCmd() *cobra.Command {
	return &cobra.Command{
		Use:                "dev",
		Short:              "explain why there is nothing to develop here",
		Hidden:             true,
		DisableFlagParsing: true,
		Args:               cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, words []string) error {
			return cli.Fail(cli.Refused, strings.TrimSpace("`usher dev "+strings.Join(words, " "))+"` does nothing: it builds and runs a checkout of Prefect's source code",
				"`usher server start` starts a server; `prefect dev` in such a checkout is the command you want")
		},
	}
}
