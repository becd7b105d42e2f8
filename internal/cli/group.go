package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Group makes the command of a noun, which only holds verbs: alone it shows its
// help.
func Group(use, short string, aliases []string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Aliases: aliases,
		Args:    cobra.ArbitraryArgs,
		RunE:    runGroup,

		Annotations: map[string]string{groupMark: ""},
	}
	cmd.Flags().Bool("version", false, "")
	cmd.Flags().Lookup("version").Hidden = true
	cmd.AddCommand(verbs...)
	return cmd
}

func runGroup(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return UnknownCommand(cmd, args[0])
	}
	return cmd.Help()
}

// groupMark tells a command that only holds others from one that does something itself and
// holds others beside, as deploy does.
const groupMark = "group"

// IsGroup reports whether a command only holds others.
func IsGroup(cmd *cobra.Command) bool {
	_, marked := cmd.Annotations[groupMark]
	return marked
}

// UnknownCommand is the error of a word that is no command below cmd, with the
// nearest one.
func UnknownCommand(cmd *cobra.Command, word string) error {
	err := Usagef("there is no command %q", strings.TrimSpace(cmd.CommandPath()+" "+word))
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(append(names, sub.Name()), sub.Aliases...)
		}
	}
	if near := Nearest(word, names); near != "" {
		return err.hint("did you mean `%s %s`?", cmd.CommandPath(), near)
	}
	return err.hint("`%s --help` lists the commands", cmd.CommandPath())
}

// FlagError turns the parser's complaint into a usage error with the nearest
// flag.
func FlagError(cmd *cobra.Command, err error) error {
	switch e := err.(type) { //nolint:errorlint // the parser returns them bare
	case *pflag.NotExistError:
		return unknownFlag(cmd, e)
	case *pflag.ValueRequiredError:
		return Usagef("--%s needs a value", e.GetFlag().Name).hint("usage: %s", cmd.UseLine())
	case *pflag.InvalidValueError:
		return invalidValue(e)
	}
	return Usagef("%s", err)
}

func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) error {
	name := e.GetSpecifiedName()
	if e.GetSpecifiedShortnames() != "" {
		return Usagef("%s has no flag -%s", cmd.CommandPath(), name[:1]).hint("`%s --help` lists the flags", cmd.CommandPath())
	}
	err := Usagef("%s has no flag --%s", cmd.CommandPath(), name)
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := Nearest(name, names); near != "" {
		return err.hint("did you mean --%s?", near)
	}
	return err.hint("`%s --help` lists the flags", cmd.CommandPath())
}

// invalidValue keeps an explanation of our own and words the parser's.
func invalidValue(e *pflag.InvalidValueError) error {
	if own, ok := e.Unwrap().(*Error); ok { //nolint:errorlint // made by a flag of ours, bare
		return own
	}
	return Usagef("--%s %q is not %s", e.GetFlag().Name, e.GetValue(), article(e.GetFlag().Value.Type()))
}

func article(kind string) string {
	switch kind {
	case "int", "int64", "uint":
		return "a whole number"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	case "duration":
		return "a duration such as 90s or 1h30m"
	}
	return "a valid " + kind
}
