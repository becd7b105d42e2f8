package profile

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	env    *cli.Env
	output output.Options
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the saved profiles",
		Example: "usher profile ls\nusher profile ls --jq '.[] | select(.active).name'",
		RunE:    func(*cobra.Command, []string) error { return opts.run() },
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[row]())
	return cmd
}

func (o *listOptions) run() error {
	profiles, settings, err := open(o.env)
	if err != nil {
		return err
	}
	rows := []row{}
	for _, p := range profiles.Saved() {
		rows = append(rows, row{Name: p.Name, Active: p.Name == settings.Active.Name, origin: p.Origin})
	}
	printer := o.env.Printer(o.output)
	if len(rows) == 0 && !printer.Structured() {
		o.env.Say("No profile is saved yet: `usher profile create <name>` makes one.")
	}
	return output.List(printer, rows, columns())
}
