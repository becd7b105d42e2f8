package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Positional is an argument that has its place instead of a flag. It can be
// given as --name too, as in the reference.
type Positional struct {
	Name     string
	Value    *string   // where one value goes
	Values   *[]string // where the rest of the arguments goes, for the last one
	Required bool
	Complete cobra.CompletionFunc
}

// Positionals declares the arguments of a command, in their order, and writes
// them into its usage line.
func Positionals(cmd *cobra.Command, args ...Positional) {
	for _, arg := range args {
		cmd.Use += " " + arg.notation()
		arg.define(cmd)
	}
	cmd.Args = func(cmd *cobra.Command, words []string) error { return assign(cmd, args, words) }
	cmd.ValidArgsFunction = func(cmd *cobra.Command, words []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return complete(args, cmd, words, typed)
	}
}

// notation follows the usual: <needed>, [optional], and dots for several.
func (p Positional) notation() string {
	name := p.Name
	if p.Values != nil {
		name += "..."
	}
	if p.Required {
		return "<" + name + ">"
	}
	return "[" + name + "]"
}

// spellings are the names of the flags that are the argument's other spelling: with
// dashes, and with the underscores that a few have in the reference.
func (p Positional) spellings() []string {
	names := []string{strings.ReplaceAll(p.Name, "_", "-")}
	if names[0] != p.Name {
		names = append(names, p.Name)
	}
	return names
}

// define adds the hidden flags that are the argument's other spelling.
func (p Positional) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	for _, name := range p.spellings() {
		if flags.Lookup(name) != nil {
			continue
		}
		if p.Values != nil {
			flags.StringArrayVar(p.Values, name, nil, "")
		} else {
			flags.StringVar(p.Value, name, *p.Value, "")
		}
		flags.Lookup(name).Hidden = true
	}
}

func (p Positional) given(cmd *cobra.Command) bool {
	return slices.ContainsFunc(p.spellings(), func(name string) bool {
		f := cmd.Flags().Lookup(name)
		return f != nil && f.Changed && f.Hidden
	})
}

// assign gives the words to the arguments that were not given as flags.
func assign(cmd *cobra.Command, args []Positional, words []string) error {
	for _, arg := range args {
		switch {
		case arg.given(cmd):
		case arg.Values != nil && (len(words) > 0 || !arg.Required):
			*arg.Values, words = words, nil
		case arg.Value != nil && len(words) > 0:
			*arg.Value, words = words[0], words[1:]
		case arg.Required:
			return Usagef("%s needs %s", cmd.CommandPath(), arg.notation()).hint("usage: %s", cmd.UseLine())
		}
	}
	if len(words) > 0 {
		return Usagef("%s takes no argument %q", cmd.CommandPath(), words[0]).hint("usage: %s", cmd.UseLine())
	}
	return nil
}

func complete(args []Positional, cmd *cobra.Command, words []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	for i, arg := range args {
		if (i == len(words) || arg.Values != nil && i <= len(words)) && arg.Complete != nil {
			offers, directive := arg.Complete(cmd, words, typed)
			return starting(offers, typed), directive
		}
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func starting(offers []cobra.Completion, typed string) []cobra.Completion {
	return slices.DeleteFunc(slices.Clone(offers), func(offer cobra.Completion) bool {
		return !strings.HasPrefix(offer, typed)
	})
}
