package workpool

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/cli"
)

// launcher is a program with its first arguments, as flags say them.
type launcher struct {
	flag    string
	program string
	args    []string
}

func (l *launcher) define(flags *pflag.FlagSet, usage string) {
	flags.StringVar(&l.program, l.flag, "", "the `program` that "+usage)
	flags.StringArrayVar(&l.args, l.flag+"-arg", nil, "an `argument` of that program; repeatable")
}

// words is the command line that the flags say: instead of the general one, or that one
// with more arguments. It is nil where no flag says anything.
func (l *launcher) words(flags *pflag.FlagSet, general []string) ([]string, error) {
	given := flags.Changed(l.flag)
	switch {
	case slices.ContainsFunc(l.args, isBlank):
		return nil, cli.Usagef("--%s-arg must not be empty", l.flag)
	case given && isBlank(l.program):
		return nil, cli.Usagef("--%s must not be empty", l.flag)
	case given:
		return append([]string{l.program}, l.args...), nil
	case len(l.args) > 0 && general == nil:
		return nil, cli.Usagef("--%s-arg needs the program that it is for: --%s or --launcher", l.flag, l.flag)
	}
	return slices.Concat(general, l.args), nil
}

func isBlank(text string) bool { return strings.TrimSpace(text) == "" }
