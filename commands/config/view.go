package config

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type viewOptions struct {
	env                                    *cli.Env
	output                                 output.Options
	showDefaults, showSources, showSecrets bool
}

// view is what the command prints as JSON, in the reference's shape.
type view struct {
	Profile  string `json:"profile"`
	Settings []line `json:"settings"`
	UIURL    string `json:"ui_url,omitempty"`
}

type line struct {
	Name   string         `json:"name"`
	Value  string         `json:"value"`
	Source profile.Source `json:"source,omitempty"`
}

func newViewCmd(env *cli.Env) *cobra.Command {
	opts := &viewOptions{env: env}
	cmd := &cobra.Command{
		Use:     "view",
		Short:   "show the settings in effect and where each comes from",
		Example: "usher config view\nusher config view --show-defaults\nusher config view --jq '.settings[] | select(.name == \"PREFECT_API_URL\").value'",
		RunE:    func(*cobra.Command, []string) error { return opts.run() },
	}
	cli.Positionals(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&opts.showDefaults, "show-defaults", false, "show settings that nothing sets, too")
	flags.BoolVar(&opts.showSources, "show-sources", true, "show where each value comes from (--hide-sources)")
	flags.BoolVar(&opts.showSecrets, "show-secrets", false, "show keys and passwords in clear")
	for _, name := range []string{"defaults", "sources", "secrets"} {
		cli.Negation(flags, "show-"+name, "hide-"+name)
	}
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[view]())
	return cmd
}

func (o *viewOptions) run() error {
	settings, err := o.env.RawSettings()
	if err != nil {
		return err
	}
	v := view{Profile: settings.Active.Name, Settings: o.lines(settings), UIURL: settings.UIURL()}
	printer := o.env.Printer(o.output)
	switch {
	case printer.Structured():
		return printer.Value(v)
	case o.output.Format == output.TSV:
		return output.List(printer, v.Settings, columns())
	}
	return o.print(printer, v)
}

// print writes NAME='value' lines, in a pipe too: scripts look for them.
func (o *viewOptions) print(printer *output.Printer, v view) error {
	if v.UIURL != "" {
		o.env.Say("The web interface is at " + v.UIURL)
	}
	if err := printer.Line("PREFECT_PROFILE='" + v.Profile + "'"); err != nil {
		return err
	}
	for _, l := range v.Settings {
		text := l.Name + "='" + l.Value + "'"
		if l.Source != "" {
			text += printer.Paint(" (from "+string(l.Source)+")", output.Dim)
		}
		if err := printer.Line(text); err != nil {
			return err
		}
	}
	return nil
}

func (o *viewOptions) lines(settings *profile.Settings) []line {
	values := settings.Set()
	if o.showDefaults {
		values = settings.All()
	}
	lines := make([]line, len(values))
	for i, v := range values {
		lines[i] = line{Name: v.Setting.Name(), Value: v.Shown()}
		if o.showSecrets {
			lines[i].Value = v.Text
		}
		if o.showSources {
			lines[i].Source = v.Source
		}
	}
	return lines
}

func columns() []output.Column[line] {
	return []output.Column[line]{
		{Name: "Name", Value: func(l line) string { return l.Name }},
		{Name: "Value", Value: func(l line) string { return l.Value }},
		{Name: "Source", Value: func(l line) string { return string(l.Source) }},
	}
}
