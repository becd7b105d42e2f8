package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/output"
)

// Help shows what a command does, examples first.
func (e *Env) Help(cmd *cobra.Command) error {
	page := &page{
		Writer: bufio.NewWriter(e.Streams.Out),
		paint:  output.New(e.Streams, e.Now, output.Options{}).Paint,
		width:  min(e.Streams.Width(), 100),
	}
	page.text(cmd)
	page.examples(cmd)
	page.usage(cmd)
	page.commands(cmd)
	page.flags("Flags", cmd.LocalFlags())
	page.flags("Flags of every command", cmd.InheritedFlags())
	if !cmd.HasParent() {
		page.outro()
	}
	return page.Flush()
}

// page is the help of one command. Errors of writing come out of Flush.
type page struct {
	*bufio.Writer
	paint func(string, output.Tone) string
	width int
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

func (p *page) title(text string) { p.printf("\n%s\n", p.paint(text, output.Strong)) }

func (p *page) text(cmd *cobra.Command) {
	text := cmd.Long
	if text == "" {
		text = sentence(cmd.Short)
	}
	p.printf("%s\n", ansi.Wrap(strings.TrimSpace(text), p.width, ""))
}

func sentence(text string) string {
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func (p *page) examples(cmd *cobra.Command) {
	if cmd.Example == "" {
		return
	}
	p.title("Examples")
	for line := range strings.Lines(strings.TrimSpace(cmd.Example)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			p.printf("  %s\n", p.paint(line, output.Dim))
			continue
		}
		p.printf("  $ %s\n", line)
	}
}

func (p *page) usage(cmd *cobra.Command) {
	p.title("Usage")
	if cmd.HasAvailableSubCommands() {
		p.printf("  %s <command> [flags]\n", cmd.CommandPath())
		return
	}
	p.printf("  %s\n", cmd.UseLine())
	if len(cmd.Aliases) > 0 {
		p.printf("  (also: %s)\n", strings.Join(cmd.Aliases, ", "))
	}
}

// commands lists what is below cmd, by group where there are groups.
func (p *page) commands(cmd *cobra.Command) {
	subs := cmd.Commands()
	for _, group := range cmd.Groups() {
		p.group(group.Title, subs, group.ID)
	}
	p.group("Commands", subs, "")
}

func (p *page) group(title string, subs []*cobra.Command, id string) {
	width, members := 0, []*cobra.Command{}
	for _, sub := range subs {
		if sub.IsAvailableCommand() && sub.GroupID == id {
			members = append(members, sub)
			width = max(width, len(sub.Name()))
		}
	}
	if len(members) == 0 {
		return
	}
	p.title(title)
	for _, sub := range members {
		p.row(fmt.Sprintf("  %-*s  ", width, sub.Name()), sub.Short)
	}
}

func (p *page) flags(title string, flags *pflag.FlagSet) {
	width, shown := 0, []*pflag.Flag{}
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			shown = append(shown, f)
			width = max(width, len(notation(f)))
		}
	})
	if len(shown) == 0 {
		return
	}
	width = min(width, p.width/2)
	p.title(title)
	for _, f := range shown {
		_, usage := pflag.UnquoteUsage(f)
		p.row(fmt.Sprintf("  %-*s  ", width, notation(f)), usage+defaultOf(f))
	}
}

// notation is how a flag is written: "-o, --output format".
func notation(f *pflag.Flag) string {
	text := "    --" + f.Name
	if f.Shorthand != "" {
		text = "-" + f.Shorthand + ", --" + f.Name
	}
	kind, _ := pflag.UnquoteUsage(f)
	switch {
	case kind == "" || f.Value.Type() == "bool":
		return text
	case f.NoOptDefVal != "":
		return text + " [" + kind + "]"
	}
	return text + " " + kind
}

func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "0", "[]", "0s":
		return ""
	}
	return " (default " + f.DefValue + ")"
}

// row prints a term and its explanation, wrapped beside it.
func (p *page) row(term, text string) {
	indent := ansi.StringWidth(term)
	lines := strings.Split(ansi.Wrap(text, max(p.width-indent, 20), ""), "\n")
	p.printf("%s%s\n", term, lines[0])
	for _, line := range lines[1:] {
		p.printf("%s%s\n", strings.Repeat(" ", indent), line)
	}
}

func (p *page) outro() {
	p.title("Learn more")
	p.printf("  usher <command> --help     what a command does, with examples\n")
	p.printf("  usher help auth            keys, passwords and where they come from\n")
	p.printf("  usher help config          settings and profiles, who beats whom\n")
	p.printf("  usher help environment     the variables that usher reads\n")
	p.printf("  usher help formatting      tables, JSON, jq and templates\n")
	p.printf("  usher help exit-codes      what a script can tell from the exit code\n")
}
