package commands

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
)

//go:embed testdata/prefect-3.8.3.txt
var referenceTree string

// TestTheReferencesWordsAreOurs walks the command line of the reference: every path, alias,
// argument, option, short option and negation has to be one of usher's too.
func TestTheReferencesWordsAreOurs(t *testing.T) {
	t.Parallel()
	s, _, _ := streams()
	root := NewRoot(cli.NewEnv(s, profile.Where{}))
	explained := slices.Collect(maps.Keys(different))
	used := map[string]bool{}
	for line := range strings.Lines(referenceTree) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, words := range parseReference(line).unknownTo(root) {
			i := slices.IndexFunc(explained, func(pattern string) bool { return matches(pattern, words) })
			if i < 0 {
				t.Errorf("usher has no %s", words)
				continue
			}
			used[explained[i]] = true
		}
	}
	for pattern := range different {
		if !used[pattern] {
			t.Errorf("usher has %s, which is said to be different", pattern)
		}
	}
}

func matches(pattern, words string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return words == pattern || open && strings.HasPrefix(words, prefix)
}

// referenceCommand is a line of the reference's tree.
type referenceCommand struct {
	path, aliases, positionals, options []string
}

func parseReference(line string) referenceCommand {
	fields := strings.Split(line, ";")
	return referenceCommand{
		path: strings.Fields(fields[0]), aliases: strings.Fields(fields[1]),
		positionals: strings.Fields(fields[2]), options: strings.Fields(fields[3]),
	}
}

// unknownTo returns what of the command a tree does not have.
func (c referenceCommand) unknownTo(root *cobra.Command) []string {
	path := strings.Join(c.path, " ")
	cmd, rest, err := root.Find(c.path)
	if err != nil || len(rest) > 0 {
		return []string{path}
	}
	cli.AddTwins(cmd)
	var unknown []string
	for _, alias := range c.aliases {
		if !slices.Contains(append(cmd.Aliases, cmd.Name()), alias) {
			unknown = append(unknown, path+" (as "+alias+")")
		}
	}
	for _, positional := range c.positionals {
		name, _ := strings.CutSuffix(positional, "*")
		if !strings.Contains(cmd.Use, name) {
			unknown = append(unknown, path+" "+strings.ToUpper(name))
		}
		unknown = append(unknown, unknownFlags(path, cmd, "--"+strings.ReplaceAll(positional, "_", "-"))...)
	}
	for _, option := range c.options {
		unknown = append(unknown, unknownFlags(path, cmd, option)...)
	}
	return unknown
}

// unknownFlags returns the spellings of an option that a command does not take, or takes
// with another number of values.
func unknownFlags(path string, cmd *cobra.Command, option string) []string {
	option, several := strings.CutSuffix(option, "*")
	isSwitch := strings.Contains(option, "!")
	var unknown []string
	for spelling := range strings.SplitSeq(option, ",") {
		spelling = strings.TrimPrefix(spelling, "!")
		f := lookUp(cmd, spelling)
		switch _, list := valueOf(f).(pflag.SliceValue); {
		case f == nil:
			unknown = append(unknown, path+" "+spelling)
		case several && !list:
			unknown = append(unknown, path+" "+spelling+" (several times)")
		case isSwitch && f.NoOptDefVal == "":
			unknown = append(unknown, path+" "+spelling+" (without a value)")
		}
	}
	return unknown
}

func valueOf(f *pflag.Flag) pflag.Value {
	if f == nil {
		return nil
	}
	return f.Value
}

// lookUp finds a flag by a spelling, which may be one that is rewritten before parsing.
func lookUp(cmd *cobra.Command, spelling string) *pflag.Flag {
	words := cli.Normalize(cmd.Root(), append(strings.Fields(cmd.CommandPath())[1:], spelling))
	spelling = words[len(words)-1]
	if name, long := strings.CutPrefix(spelling, "--"); long {
		return cmd.Flag(name)
	}
	return cmd.Flags().ShorthandLookup(spelling[1:])
}
