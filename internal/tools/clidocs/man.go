package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// man is the manual page of usher, or of a noun with all of its verbs.
func man(cmd *cobra.Command) string {
	var b strings.Builder
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH \"%s\" \"1\" \"\" \"usher\" \"usher\"\n.SH NAME\n%s \\- %s\n", roff(strings.ToUpper(name)), roff(name), roff(cmd.Short))
	if !cmd.HasParent() {
		rootMan(&b, cmd)
		return b.String()
	}
	b.WriteString(".SH SYNOPSIS\n")
	for _, verb := range runnable(cmd) {
		fmt.Fprintf(&b, "\\fB%s\\fR\n.br\n", roff(verb.UseLine()))
	}
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", paragraphs(textOf(cmd)))
	for _, verb := range runnable(cmd) {
		fmt.Fprintf(&b, ".SH %s\n", roff(strings.ToUpper(verb.CommandPath())))
		if verb != cmd {
			b.WriteString(paragraphs(textOf(verb)) + "\n")
		}
		fmt.Fprintf(&b, ".SS Examples\n.nf\n%s\n.fi\n", roff(strings.TrimSpace(verb.Example)))
		if verb.LocalNonPersistentFlags().HasAvailableFlags() {
			b.WriteString(".SS Flags\n")
			flagMan(&b, verb.LocalNonPersistentFlags())
		}
	}
	b.WriteString(".SH SEE ALSO\n\\fBusher\\fR(1)\n")
	return b.String()
}

func rootMan(b *strings.Builder, root *cobra.Command) {
	fmt.Fprintf(b, ".SH SYNOPSIS\n\\fBusher\\fR <command> [flags]\n.SH DESCRIPTION\n%s\n", paragraphs(sentence(root.Short)))
	for _, group := range root.Groups() {
		fmt.Fprintf(b, ".SH %s\n", roff(strings.ToUpper(group.Title)))
		for _, cmd := range root.Commands() {
			if cmd.GroupID == group.ID && cmd.IsAvailableCommand() {
				fmt.Fprintf(b, ".TP\n\\fBusher\\-%s\\fR(1)\n%s\n", roff(cmd.Name()), roff(cmd.Short))
			}
		}
	}
	b.WriteString(".SH FLAGS OF EVERY COMMAND\n")
	flagMan(b, root.PersistentFlags())
	b.WriteString(".SH SEE ALSO\n`usher help environment`, `usher help formatting`, `usher help exit\\-codes`, `usher help auth`, `usher help config`\n")
}

func flagMan(b *strings.Builder, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			_, usage := pflag.UnquoteUsage(f)
			fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s\n", roff(notation(f)), roff(usage))
		}
	})
}

func paragraphs(text string) string { return strings.ReplaceAll(roff(text), "\n\n", "\n.PP\n") }

// roff writes text so that none of it is taken for a request.
func roff(text string) string {
	text = strings.ReplaceAll(text, `\`, `\e`)
	text = strings.ReplaceAll(text, "-", `\-`)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
