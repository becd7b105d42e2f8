package commands

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// The texts of the help topics.
var (
	//go:embed topics/environment.txt
	environmentTopic string
	//go:embed topics/formatting.txt
	formattingTopic string
	//go:embed topics/exit-codes.txt
	exitCodesTopic string
	//go:embed topics/auth.txt
	authTopic string
	//go:embed topics/config.txt
	configTopic string
)

// topics are the texts by their names.
var topics = map[string]string{
	"environment": environmentTopic, "formatting": formattingTopic, "exit-codes": exitCodesTopic, "auth": authTopic, "config": configTopic,
}

// addHelp adds usher help [command] and its topics.
func addHelp(root *cobra.Command, env *cli.Env) {
	help := &cobra.Command{
		Use:     "help [command]",
		Short:   "show what a command does, or a topic: auth, config, environment, exit-codes, formatting",
		Example: "usher help profile use\nusher help exit-codes",
		GroupID: groupSetup,
		RunE: func(_ *cobra.Command, words []string) error {
			return showHelp(root, env, words)
		},
		ValidArgs: slices.Sorted(maps.Keys(topics)),
	}
	root.SetHelpCommand(help)
	root.SetHelpCommandGroupID(groupSetup)
}

func showHelp(root *cobra.Command, env *cli.Env, words []string) error {
	if len(words) == 1 {
		if text, ok := topics[words[0]]; ok {
			_, err := fmt.Fprint(env.Streams.Out, text)
			return err
		}
	}
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return cli.UnknownCommand(cmd, strings.Join(rest, " "))
	}
	return env.Help(cmd)
}
