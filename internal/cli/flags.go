package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/output"
)

// Toggle is a flag that is on, off or not given.
type Toggle struct{ value *bool }

// Get returns the value and whether the flag was given.
func (t *Toggle) Get() (value, given bool) {
	if t.value == nil {
		return false, false
	}
	return *t.value, true
}

// Set implements pflag.Value.
func (t *Toggle) Set(text string) error {
	value, err := strconv.ParseBool(text)
	if err != nil {
		return err
	}
	t.value = &value
	return nil
}

// String implements pflag.Value.
func (t *Toggle) String() string {
	if t.value == nil {
		return ""
	}
	return strconv.FormatBool(*t.value)
}

// Type implements pflag.Value.
func (*Toggle) Type() string { return "bool" }

// IsBoolFlag lets the flag stand without a value.
func (*Toggle) IsBoolFlag() bool { return true }

// ToggleVar defines a three-state flag --name with its negation --no-name.
func ToggleVar(flags *pflag.FlagSet, t *Toggle, name, usage string) {
	flags.VarPF(t, name, "", usage).NoOptDefVal = "true"
	negate(flags, flags.Lookup(name), "no-"+name)
}

// YesFlag defines -y/--yes, which answers a confirmation.
func YesFlag(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "go ahead without asking")
}

// WebFlag defines -w/--web, which shows the page of a thing in the browser.
func WebFlag(cmd *cobra.Command, web *bool) {
	short := "w"
	if cmd.Flags().ShorthandLookup(short) != nil {
		short = ""
	}
	cmd.Flags().BoolVarP(web, "web", short, false, "show it in the browser")
}

// OutputFlags defines -o/--output, --json, --jq, --template and, for what has an id or a name,
// -q/--quiet on a command that prints data. fields are the JSON fields that --json completes and
// checks; see output.FieldsOf. A flag that the command has already is left alone.
func OutputFlags(cmd *cobra.Command, options *output.Options, fields []string) {
	outputFlags(cmd, options, fields, output.Formats())
}

func outputFlags(cmd *cobra.Command, options *output.Options, fields, formats []string) {
	flags := cmd.Flags()
	last := len(formats) - 1
	flags.VarP(formatValue{options, formats}, "output", "o", "how to print: "+strings.Join(formats[:last], ", ")+" or "+formats[last])
	if flags.Lookup("json") == nil {
		flags.Var(&fieldsValue{options: options, known: fields}, "json", "print JSON, all of it or only the named `fields`")
		flags.Lookup("json").NoOptDefVal = allFields
	}
	flags.StringVar(&options.JQ, "jq", "", "print what a jq `expression` makes of the JSON")
	if flags.Lookup("template") == nil {
		flags.StringVar(&options.Template, "template", "", "print the JSON through a Go `template`")
	}
	if name := output.Identifier(fields); name != "" {
		quietFlag(cmd, options, name)
	}
	mustComplete(cmd, "output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	if fields != nil {
		mustComplete(cmd, "json", completeList(fields))
	}
}

// quietFlag defines -q/--quiet; a few commands have had -q for something else before.
func quietFlag(cmd *cobra.Command, options *output.Options, name string) {
	short := "q"
	if cmd.Flags().ShorthandLookup(short) != nil {
		short = ""
	}
	cmd.Flags().BoolVarP(&options.Quiet, "quiet", short, false, "print nothing but the "+name+", one a line")
}

// mustComplete registers a completion; that fails only for a flag that is not
// defined, which the tests of the command tree find.
func mustComplete(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		cmd.PrintErrln(err)
	}
}

// completeList completes the last name of a comma-separated list.
func completeList(names []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		done := typed[:strings.LastIndexByte(typed, ',')+1]
		var offers []cobra.Completion
		for _, name := range names {
			if !slices.Contains(strings.Split(done, ","), name) {
				offers = append(offers, done+name)
			}
		}
		return starting(offers, typed), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// formatValue is --output, whose values are not case-sensitive.
type formatValue struct {
	options *output.Options
	formats []string
}

func (v formatValue) Set(text string) error {
	format := strings.ToLower(text)
	if !slices.Contains(v.formats, format) {
		return Usagef("%q is not an output format; it is one of %s", text, strings.Join(v.formats, ", "))
	}
	v.options.Format = format
	return nil
}

func (v formatValue) String() string { return v.options.Format }
func (formatValue) Type() string     { return "format" }

// allFields stands for --json without a value.
const allFields = "*"

// fieldsValue is --json.
type fieldsValue struct {
	options *output.Options
	known   []string
}

func (v *fieldsValue) Set(text string) error {
	v.options.Format = output.JSON
	if text == allFields {
		return nil
	}
	fields := strings.Split(text, ",")
	for _, field := range fields {
		if v.known != nil && !slices.Contains(v.known, field) {
			return v.unknown(field)
		}
	}
	v.options.Fields = append(v.options.Fields, fields...)
	return nil
}

func (v *fieldsValue) unknown(field string) error {
	err := Usagef("there is no JSON field %q", field)
	if near := Nearest(field, v.known); near != "" {
		return err.hint("did you mean %q? All fields: %s", near, strings.Join(v.known, ", "))
	}
	return err.hint("the fields are %s", strings.Join(v.known, ", "))
}

func (v *fieldsValue) String() string { return strings.Join(v.options.Fields, ",") }
func (*fieldsValue) Type() string     { return "fields" }

// UUIDVar defines a flag that takes an id, refused before any request if it is
// none.
func UUIDVar(flags *pflag.FlagSet, id *uuid.UUID, name, usage string) {
	flags.Var((*uuidValue)(id), name, usage)
}

type uuidValue uuid.UUID

func (v *uuidValue) Set(text string) error {
	id, err := uuid.Parse(text)
	if err != nil {
		return Usagef("%q is not an id; ids look like 0198c6a2-6f0e-7c7e-b1f5-2f3f8e1f7c11", text)
	}
	*v = uuidValue(id)
	return nil
}

func (v *uuidValue) String() string {
	if uuid.UUID(*v) == uuid.Nil {
		return ""
	}
	return uuid.UUID(*v).String()
}

func (*uuidValue) Type() string { return "id" }
