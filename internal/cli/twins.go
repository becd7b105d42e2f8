package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// AddTwins gives the flags of a command the second spellings that the reference
// accepts: --no-x for every switch --x, --empty-x for every list --x. They work
// but are not shown. -h asks for help where it is nothing else. It is done for the
// one command that runs, not for all.
func AddTwins(cmd *cobra.Command) {
	flags := cmd.Flags()
	if help := cmd.Flag("help"); help != nil && flags.ShorthandLookup("h") == nil {
		f := flags.VarPF(also{help}, "also-help", "h", "")
		f.NoOptDefVal, f.Hidden = "true", true
	}
	var given []*pflag.Flag
	flags.VisitAll(func(f *pflag.Flag) { given = append(given, f) })
	for _, f := range given {
		if f.Value.Type() == "bool" && !strings.HasPrefix(f.Name, "no-") && f.Name != "help" {
			negate(flags, f, "no-"+f.Name)
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			addHidden(flags, "empty-"+f.Name, emptyValue{flag: f, list: list})
		}
	}
}

// Negation defines the hidden flag that switches another one off, where its name
// is not --no-x: --hide-sources for --show-sources.
func Negation(flags *pflag.FlagSet, of, name string) { negate(flags, flags.Lookup(of), name) }

func negate(flags *pflag.FlagSet, of *pflag.Flag, name string) {
	addHidden(flags, name, negation{of})
}

func addHidden(flags *pflag.FlagSet, name string, value pflag.Value) {
	if flags.Lookup(name) != nil {
		return
	}
	f := flags.VarPF(value, name, "", "")
	f.NoOptDefVal = "true"
	f.Hidden = true
}

// also is a switch that sets another one.
type also struct{ of *pflag.Flag }

func (a also) Set(text string) error {
	a.of.Changed = true
	return a.of.Value.Set(text)
}

func (also) String() string { return "" }
func (also) Type() string   { return "help" }

// negation is a switch that sets another one to the opposite.
type negation struct{ of *pflag.Flag }

func (n negation) Set(text string) error {
	on, err := strconv.ParseBool(text)
	if err != nil {
		return err
	}
	n.of.Changed = true
	return n.of.Value.Set(strconv.FormatBool(!on))
}

func (negation) String() string { return "" }
func (negation) Type() string   { return "bool" }

// emptyValue is a switch that makes a list empty.
type emptyValue struct {
	flag *pflag.Flag
	list pflag.SliceValue
}

func (e emptyValue) Set(string) error {
	e.flag.Changed = true
	return e.list.Replace(nil)
}

func (emptyValue) String() string { return "" }
func (emptyValue) Type() string   { return "bool" }
