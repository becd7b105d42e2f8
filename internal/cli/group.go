package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Group makes the command of a noun, which only holds verbs: alone it shows its
// help. The verbs are made when the command line needs them: see Grow.
func Group(use, short string, aliases []string, verbs func() []*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Aliases: aliases,
		Args:    cobra.ArbitraryArgs,
		RunE:    runGroup,
	}
	version := cmd.Flags().VarPF(&group{verbs: verbs}, groupFlag, "", "")
	version.NoOptDefVal, version.Hidden = "true", true
	return cmd
}

// groupFlag is the flag that all groups have and no other command has: as with the reference
// they answer --version.
const groupFlag = "version"

// group is what a group is beyond a command. It rides on the group's own flag, since the parser's
// commands have no room for it.
type group struct {
	verbs func() []*cobra.Command // nil once they are made
}

func (*group) Set(text string) error {
	_, err := strconv.ParseBool(text)
	return err
}

func (*group) String() string { return "false" }
func (*group) Type() string   { return "bool" }

func groupOf(cmd *cobra.Command) (*group, bool) {
	flag := cmd.Flags().Lookup(groupFlag)
	if flag == nil {
		return nil, false
	}
	g, ok := flag.Value.(*group)
	return g, ok
}

// Grow makes the verbs of the nouns below root that the words of a command line name, by name or
// alias: what a command costs before it begins does not depend on how many others there are.
func Grow(root *cobra.Command, words []string) {
	for _, noun := range root.Commands() {
		if slices.ContainsFunc(words, func(word string) bool { return word == noun.Name() || noun.HasAlias(word) }) {
			GrowAll(noun)
		}
	}
}

// GrowAll makes all that is below a command.
func GrowAll(cmd *cobra.Command) {
	if g, ok := groupOf(cmd); ok && g.verbs != nil {
		cmd.AddCommand(g.verbs()...)
		g.verbs = nil
	}
	for _, sub := range cmd.Commands() {
		GrowAll(sub)
	}
}

func runGroup(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return UnknownCommand(cmd, args[0])
	}
	return cmd.Help()
}

// IsGroup reports whether a command only holds others, unlike deploy, which does something itself
// and holds another beside.
func IsGroup(cmd *cobra.Command) bool {
	_, ok := groupOf(cmd)
	return ok
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
