package config

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type unsetOptions struct {
	env   *cli.Env
	names []string
	yes   bool

	output output.Options
}

func newUnsetCmd(env *cli.Env) *cobra.Command {
	opts := &unsetOptions{env: env}
	cmd := &cobra.Command{
		Use:     "unset",
		Short:   "remove settings from the active profile",
		Example: "usher config unset PREFECT_LOGGING_LEVEL",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{
		Name: "setting_names", Values: &opts.names, Required: true,
		Complete: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return opts.inProfile(), cobra.ShellCompDirectiveNoFileComp
		},
	})
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[changed]())
	return cmd
}

func (o *unsetOptions) inProfile() []string {
	settings, err := o.env.RawSettings()
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range settings.Active.Entries {
		names = append(names, e.Name)
	}
	return names
}

// run checks all names before it changes anything.
func (o *unsetOptions) run(ctx context.Context) error {
	settings, err := o.env.RawSettings()
	if err != nil {
		return err
	}
	names, err := o.current(settings.Active)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Remove %s from profile %q?", strings.Join(names, ", "), settings.Active.Name); err != nil {
		return err
	}
	err = profile.Edit(settings.Paths, func(p *profile.Profiles) error {
		return p.Update(settings.Active.Name, nil, names)
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if !o.output.Structured() {
			o.env.Sayf("Unset %s.", name)
		}
		warnOverridden(o.env, settings, name)
	}
	done := changed{Profile: settings.Active.Name, Set: map[string]string{}, Unset: names}
	return cli.Result(o.env, o.output, done, "Updated profile %q.", settings.Active.Name)
}

// current turns what was typed into current names that the profile sets.
func (o *unsetOptions) current(p profile.Profile) ([]string, error) {
	var names []string
	for _, typed := range o.names {
		s, err := setting(typed)
		if err != nil {
			return nil, err
		}
		if _, ok := p.Lookup(s.Name()); !ok {
			return nil, cli.Fail(cli.NoSuch, s.Name()+" is not set in profile \""+p.Name+"\"", "`usher profile inspect` shows what is")
		}
		names = append(names, s.Name())
	}
	return names, nil
}
