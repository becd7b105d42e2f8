package profile

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type inspectOptions struct {
	env         *cli.Env
	output      output.Options
	name        string
	showSecrets bool
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show the settings of a profile, the active one if none is named",
		Example: "usher profile inspect\nusher profile inspect local -o json",
		RunE:    func(*cobra.Command, []string) error { return opts.run() },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, false))
	cmd.Flags().BoolVar(&opts.showSecrets, "show-secrets", false, "show keys and passwords in clear")
	cli.Negation(cmd.Flags(), "show-secrets", "hide-secrets")
	cli.OutputFlags(cmd, &opts.output, nil)
	return cmd
}

func (o *inspectOptions) run() error {
	profiles, settings, err := open(o.env)
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if o.name == "" {
		o.name = settings.Active.Name
		if !printer.Structured() {
			o.env.Sayf("The active profile is %q.", o.name)
		}
	}
	found, err := find(profiles, o.name)
	if err != nil {
		return err
	}
	return o.print(printer, found)
}

func (o *inspectOptions) print(printer *output.Printer, p profile.Profile) error {
	if printer.Structured() {
		return printer.Value(o.object(p))
	}
	if len(p.Entries) == 0 {
		o.env.Sayf("Profile %q is empty.", p.Name)
	}
	if o.output.Format == output.TSV {
		return output.List(printer, p.Entries, o.columns())
	}
	for _, e := range p.Entries {
		if err := printer.Line(e.Name + "='" + o.shown(e) + "'"); err != nil {
			return err
		}
	}
	return nil
}

func (o *inspectOptions) columns() []output.Column[profile.Entry] {
	return []output.Column[profile.Entry]{
		{Name: "Name", Value: func(e profile.Entry) string { return e.Name }},
		{Name: "Value", Value: o.shown},
	}
}

func (o *inspectOptions) object(p profile.Profile) map[string]string {
	object := map[string]string{}
	for _, e := range p.Entries {
		object[e.Name] = o.shown(e)
	}
	return object
}

func (o *inspectOptions) shown(e profile.Entry) string {
	if o.showSecrets {
		return e.Value
	}
	return e.Masked()
}
