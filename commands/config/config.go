// Package config holds the commands that show and change settings.
package config

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
)

// NewCmd makes usher config.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("config", "show and change settings", nil, func() []*cobra.Command {
		return []*cobra.Command{newViewCmd(env), newExplainCmd(env), newSetCmd(env), newUnsetCmd(env), newValidateCmd(env)}
	})
	cmd.Example = "usher config view\nusher config set PREFECT_API_URL=http://127.0.0.1:4200/api"
	return cmd
}

// setting finds a setting by the name that the user typed.
func setting(name string) (profile.Setting, error) {
	s, ok := profile.Find(name)
	if ok {
		return s, nil
	}
	return s, cli.Usagef("there is no setting %q", name).WithHint(nearest(name))
}

func nearest(name string) string {
	if near := cli.Nearest(name, settingNames()); near != "" {
		return "did you mean " + near + "?"
	}
	return "`usher config view --show-defaults` lists all settings"
}

func settingNames() []string {
	all := profile.All()
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name()
	}
	return names
}

// changed is what a command did to a profile; keys and passwords are masked.
type changed struct {
	Profile string            `json:"profile"`
	Set     map[string]string `json:"set"`
	Unset   []string          `json:"unset"`
}

// warnOverridden says when something stronger than the profile sets a setting.
func warnOverridden(env *cli.Env, settings *profile.Settings, name string) {
	v := settings.Value(name)
	switch v.Source {
	case profile.FromProfile, profile.FromDefault:
	case profile.FromEnv, profile.FromDotenv:
		env.Warn(v.Variable + " (from " + string(v.Source) + ") is stronger than the profile and stays in effect")
	case profile.FromProject, profile.FromPyproject:
		env.Warn(name + " in " + string(v.Source) + " is stronger than the profile and stays in effect")
	}
}
