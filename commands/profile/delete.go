package profile

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type deleteOptions struct {
	env  *cli.Env
	name string
	yes  bool

	output output.Options
}

func newDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &deleteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove a profile that is not the active one",
		Example: "usher profile delete staging",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	cli.YesFlag(cmd, &opts.yes)
	resultFlags(cmd, &opts.output)
	return cmd
}

func (o *deleteOptions) run(ctx context.Context) error {
	profiles, settings, err := open(o.env)
	if err != nil {
		return err
	}
	if _, err := find(profiles, o.name); err != nil {
		return err
	}
	if settings.Active.Name == o.name {
		err := api.Errorf(api.CodeConflict, "profile %q is the active one", o.name)
		return cli.WithHint(err, "switch to another with `usher profile use <name>` first")
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete profile %q?", o.name); err != nil {
		return err
	}
	var origin profile.Origin
	err = edit(o.env, func(p *profile.Profiles) error {
		origin, err = p.Delete(o.name)
		return err
	})
	if err != nil {
		return err
	}
	return cli.Result(o.env, o.output, row{Name: o.name}, "%s", o.words(origin, settings))
}

func (o *deleteOptions) words(origin profile.Origin, settings *profile.Settings) string {
	switch origin {
	case profile.BuiltIn:
		return fmt.Sprintf("Profile %q is built in and stays; nothing was saved under that name.", o.name)
	case profile.Prefect:
		return fmt.Sprintf("Removed profile %q from usher; %s still has it for Prefect.", o.name, settings.Paths.Prefect)
	case profile.Own:
	}
	return fmt.Sprintf("Removed profile %q.", o.name)
}
