package config

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

func newValidateCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "validate",
		Short:   "check all settings, and rename those of earlier releases",
		Example: "usher config validate",
		RunE:    func(*cobra.Command, []string) error { return validate(env, options) },
	}
	cli.Positionals(cmd)
	cli.ResultFlags(cmd, &options, output.FieldsOf[validated]())
	return cmd
}

// validated is a configuration without mistakes; one with mistakes is an error.
type validated struct {
	Valid   bool `json:"valid"`
	Renamed int  `json:"renamed"`
}

func validate(env *cli.Env, options output.Options) error {
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
	words := "The configuration is valid."
	if changed > 0 {
		words = fmt.Sprintf("Renamed %d settings of earlier releases.\n", changed) + words
	}
	return cli.Result(env, options, validated{Valid: true, Renamed: changed}, "%s", words)
}
