// Package profile holds the commands that keep named sets of settings.
package profile

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

// NewCmd makes usher profile.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("profile", "keep named sets of settings and switch between them", []string{"profiles"}, func() []*cobra.Command {
		return []*cobra.Command{
			newListCmd(env),
			newCreateCmd(env),
			newUseCmd(env),
			newInspectCmd(env),
			newRenameCmd(env),
			newDeleteCmd(env),
			newPopulateCmd(env),
		}
	})
	cmd.Example = "usher profile ls\nusher profile create prod\nusher profile use prod"
	return cmd
}

// row is a profile as it is listed.
type row struct {
	Name   string `json:"name"`
	Active bool   `json:"active"`

	origin profile.Origin
}

// resultFlags are those of a verb that changes a profile.
func resultFlags(cmd *cobra.Command, options *output.Options) {
	cli.ResultFlags(cmd, options, output.FieldsOf[row]())
}

func columns() []output.Column[row] {
	return []output.Column[row]{
		{
			Name:  "Name",
			Value: func(r row) string { return r.Name },
			Human: func(r row, _ time.Time) string { return marker(r) + r.Name },
			Tone: func(r row) output.Tone {
				if r.Active {
					return output.Good
				}
				return output.Plain
			},
		},
		{Name: "Active", Value: active, Human: func(r row, _ time.Time) string { return active(r) }, Rank: 2},
		{Name: "Kept by", Value: func(r row) string { return string(r.origin) }, Rank: 1},
	}
}

func marker(r row) string {
	if r.Active {
		return "* "
	}
	return "  "
}

func active(r row) string {
	if r.Active {
		return "active"
	}
	return ""
}

// open reads the profiles of both files.
func open(env *cli.Env) (*profile.Profiles, *profile.Settings, error) {
	settings, err := env.RawSettings()
	if err != nil {
		return nil, nil, err
	}
	profiles, err := profile.Open(settings.Paths)
	return profiles, settings, err
}

// reopen reads the profiles once more, after they were changed.
func reopen(env *cli.Env) (*profile.Profiles, error) {
	settings, err := env.RawSettings()
	if err != nil {
		return nil, err
	}
	return profile.Open(settings.Paths)
}

// edit changes the profiles file.
func edit(env *cli.Env, change func(*profile.Profiles) error) error {
	settings, err := env.RawSettings()
	if err != nil {
		return err
	}
	return profile.Edit(settings.Paths, change)
}

// nameArgument is the profile that a verb is about.
func nameArgument(env *cli.Env, value *string, required bool) cli.Positional {
	return cli.Positional{
		Name:     "name",
		Value:    value,
		Required: required,
		Complete: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			profiles, _, err := open(env)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return profiles.Names(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// savedNames are the names that a profile in one of the files has.
func savedNames(profiles *profile.Profiles) []string {
	var names []string
	for _, p := range profiles.Saved() {
		names = append(names, p.Name)
	}
	return names
}

// find returns the profile, or an error that suggests the nearest.
func find(profiles *profile.Profiles, name string) (profile.Profile, error) {
	p, ok := profiles.Find(name)
	if !ok {
		return p, cli.NotFound("profile", name, profiles.Names())
	}
	return p, nil
}
