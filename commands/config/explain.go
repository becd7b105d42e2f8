package config

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type explainOptions struct {
	env    *cli.Env
	output output.Options
	name   string
}

// explanation is what there is to know of a setting.
type explanation struct {
	Name      string         `json:"name"`
	Purpose   string         `json:"purpose"`
	Value     string         `json:"value"`
	Source    profile.Source `json:"source"`
	Type      string         `json:"type"`
	Default   string         `json:"default"`
	Variables []string       `json:"variables"`
	Key       string         `json:"key"`
	Sources   []line         `json:"sources"`
}

func newExplainCmd(env *cli.Env) *cobra.Command {
	opts := &explainOptions{env: env}
	cmd := &cobra.Command{
		Use:     "explain",
		Short:   "show what a setting is for, where it has its value from, and what else sets it",
		Example: "usher config explain PREFECT_API_URL",
		RunE:    func(*cobra.Command, []string) error { return opts.run() },
	}
	cli.Positionals(cmd, cli.Positional{Name: "setting", Value: &opts.name, Required: true, Complete: completeSettings})
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[explanation]())
	return cmd
}

// completeSettings builds the names only when a shell asks for them.
func completeSettings(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return settingNames(), cobra.ShellCompDirectiveNoFileComp
}

func (o *explainOptions) run() error {
	s, err := setting(o.name)
	if err != nil {
		return err
	}
	settings, err := o.env.RawSettings()
	if err != nil {
		return err
	}
	return output.Detail(o.env.Printer(o.output), explain(settings, s), explanationProperties())
}

func explain(settings *profile.Settings, s profile.Setting) explanation {
	values := settings.Sources(s)
	inForce, byDefault := values[0], values[len(values)-1]
	e := explanation{
		Name: s.Name(), Purpose: purposeOf(s), Value: inForce.Shown(), Source: inForce.Source, Type: typeOf(s), Default: byDefault.Text,
		Variables: s.Names(), Key: s.Path,
	}
	for _, v := range values[:len(values)-1] {
		e.Sources = append(e.Sources, line{Name: v.Variable, Value: v.Shown(), Source: v.Source})
	}
	return e
}

// typeOf says what the value of a setting may be.
func typeOf(s profile.Setting) string {
	switch s.Kind {
	case profile.Secret:
		return "text, kept secret"
	case profile.Path:
		return "path"
	case profile.Bool:
		return "true or false"
	case profile.Int:
		return "whole number"
	case profile.Float:
		return "number"
	case profile.Duration:
		return "duration: seconds, or as in 1:30:00"
	case profile.Choice:
		return "one of " + strings.Join(s.Choices, ", ")
	case profile.List, profile.Set:
		return "list, separated by commas"
	case profile.StatusSet, profile.Numbers:
		return "list of numbers, separated by commas"
	case profile.Map:
		return "object, as JSON"
	case profile.Text:
	}
	return "text"
}

func explanationProperties() []output.Column[explanation] {
	return []output.Column[explanation]{
		{Name: "Name", Value: func(e explanation) string { return e.Name }, Tone: func(explanation) output.Tone { return output.Strong }, Whole: true},
		{Name: "For", Value: func(e explanation) string { return e.Purpose }},
		{Name: "Value", Value: func(e explanation) string { return e.Value }},
		{Name: "Source", Value: func(e explanation) string { return string(e.Source) }},
		{Name: "Type", Value: func(e explanation) string { return e.Type }},
		{Name: "Default", Value: func(e explanation) string { return e.Default }},
		{Name: "Variables", Value: func(e explanation) string { return strings.Join(e.Variables, ", ") }},
		{Name: "Key in prefect.toml", Value: func(e explanation) string { return e.Key }},
		{Name: "Set by", Value: sourcesText, Whole: true},
	}
}

// sourcesText lists what sets a setting, the strongest first, each on a line.
func sourcesText(e explanation) string {
	if len(e.Sources) == 0 {
		return "nothing"
	}
	lines := make([]string, len(e.Sources))
	for i, l := range e.Sources {
		lines[i] = string(l.Source) + ": " + l.Name + "=" + l.Value
	}
	return strings.Join(lines, "\n")
}
