package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const made = "<!-- Made of the tree of commands by `make generate`; not to be edited. -->\n\n"

// index is the page that leads to the others.
func index(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# usher\n\n%s\n", made, sentence(root.Short))
	for _, group := range root.Groups() {
		fmt.Fprintf(&b, "\n## %s\n\n| command | |\n|---|---|\n", group.Title)
		for _, cmd := range root.Commands() {
			if cmd.GroupID == group.ID && cmd.IsAvailableCommand() {
				fmt.Fprintf(&b, "| [`usher %s`](%s.md) | %s |\n", cmd.Name(), cmd.Name(), tableText(cmd.Short))
			}
		}
	}
	b.WriteString("\n## Flags of every command\n\n")
	flagTable(&b, root.PersistentFlags())
	return b.String()
}

// markdown is the page of a noun: all of its verbs.
func markdown(noun *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n%s\n", made, noun.CommandPath(), textOf(noun))
	for _, cmd := range runnable(noun) {
		if cmd != noun {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", cmd.CommandPath(), textOf(cmd))
		}
		fmt.Fprintf(&b, "\n```sh\n%s\n```\n\nUsage: `%s`", strings.TrimSpace(cmd.Example), cmd.UseLine())
		if len(cmd.Aliases) > 0 {
			fmt.Fprintf(&b, " (also `%s`)", strings.Join(cmd.Aliases, "`, `"))
		}
		b.WriteString("\n")
		if cmd.LocalNonPersistentFlags().HasAvailableFlags() {
			b.WriteString("\n")
			flagTable(&b, cmd.LocalNonPersistentFlags())
		}
	}
	return b.String()
}

func textOf(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return sentence(cmd.Short) + "\n\n" + strings.TrimSpace(cmd.Long)
	}
	return sentence(cmd.Short)
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func flagTable(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		_, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(notation(f), "|", "\\|"), tableText(usage))
	})
}

func tableText(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

// notation is how a flag is written: -o, --output format.
func notation(f *pflag.Flag) string {
	text := "--" + f.Name
	if f.Shorthand != "" {
		text = "-" + f.Shorthand + ", " + text
	}
	if kind, _ := pflag.UnquoteUsage(f); kind != "" && f.Value.Type() != "bool" {
		text += " " + kind
	}
	return text
}
