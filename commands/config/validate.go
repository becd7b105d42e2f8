package config

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
)

func newValidateCmd(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "validate",
		Short:   "check all settings, and rename those of earlier releases",
		Example: "usher config validate",
		RunE:    func(*cobra.Command, []string) error { return validate(env) },
	}
	cli.Positionals(cmd)
	return cmd
}

func validate(env *cli.Env) error {
	settings, err := env.Settings()
	if err != nil {
		return err
	}
	if _, err := profile.Open(settings.Paths); err != nil {
		return err
	}
	changed := 0
	err = profile.Edit(settings.Paths, func(p *profile.Profiles) error {
		changed, err = p.Normalize()
		return err
	})
	if err != nil {
		return err
	}
	if changed > 0 {
		env.Sayf("Renamed %d settings of earlier releases.", changed)
	}
	env.Say("The configuration is valid.")
	return nil
}
