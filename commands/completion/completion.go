// Package completion is the command that prints completion scripts for shells.
package completion

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// NewCmd makes usher completion.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("completion", "print a script that completes commands in your shell", nil, func() []*cobra.Command {
		return []*cobra.Command{
			shell(env, "bash", "source <(usher completion bash)\nusher completion bash > ~/.local/share/bash-completion/completions/usher"),
			shell(env, "zsh", "usher completion zsh > ~/.zsh/completions/_usher"),
			shell(env, "fish", "usher completion fish > ~/.config/fish/completions/usher.fish"),
			shell(env, "powershell", "usher completion powershell > usher.ps1"),
		}
	})
	cmd.Example = "source <(usher completion bash)"
	return cmd
}

func shell(env *cli.Env, name, example string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     name,
		Short:   "print the script for " + name,
		Example: example,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return Write(cmd.Root(), name, env.Streams.Out)
		},
	}
	cli.Positionals(cmd)
	return cmd
}

// Write writes the script of a shell.
func Write(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	}
	return root.GenPowerShellCompletionWithDesc(w)
}
