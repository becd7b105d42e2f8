package config

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type setOptions struct {
	env      *cli.Env
	settings []string
	output   output.Options
}

func newSetCmd(env *cli.Env) *cobra.Command {
	opts := &setOptions{env: env}
	cmd := &cobra.Command{
		Use:     "set",
		Short:   "save settings in the active profile",
		Example: "usher config set PREFECT_API_URL=http://127.0.0.1:4200/api\nusher config set PREFECT_LOGGING_LEVEL=DEBUG PREFECT_CLI_PROMPT=false",
		RunE:    func(*cobra.Command, []string) error { return opts.run() },
	}
	cli.Positionals(cmd, cli.Positional{
		Name: "settings", Values: &opts.settings, Required: true,
		Complete: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			names := settingNames()
			for i := range names {
				names[i] += "="
			}
			return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		},
	})
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[changed]())
	return cmd
}

// run checks everything before it writes anything.
func (o *setOptions) run() error {
	entries, err := parse(o.settings)
	if err != nil {
		return err
	}
	settings, err := o.env.RawSettings()
	if err != nil {
		return err
	}
	name := settings.Active.Name
	err = profile.Edit(settings.Paths, func(p *profile.Profiles) error {
		return p.Update(name, entries, nil)
	})
	if err != nil {
		return err
	}
	done := changed{Profile: name, Set: map[string]string{}, Unset: []string{}}
	for _, e := range entries {
		done.Set[e.Name] = e.Masked()
		if !o.output.Structured() {
			o.env.Sayf("Set %s to %q.", e.Name, e.Masked())
		}
		warnOverridden(o.env, settings, e.Name)
	}
	return cli.Result(o.env, o.output, done, "Updated profile %q.", name)
}

// parse reads NAME=VALUE words. All values of the wrong type are told at once.
func parse(words []string) ([]profile.Entry, error) {
	var entries []profile.Entry
	var wrong []string
	for _, word := range words {
		name, value, found := strings.Cut(word, "=")
		if !found {
			return nil, cli.Usagef("%q is not NAME=VALUE", word)
		}
		s, err := setting(name)
		if err != nil {
			return nil, err
		}
		if s.Path == "home" || s.Path == "profiles_path" {
			return nil, cli.Usagef("%s can't be set in a profile: it says where the profiles are", s.Name()).
				WithHint("set it as a variable of the environment")
		}
		if err := s.Check(value); err != nil {
			wrong = append(wrong, s.Name()+": "+err.Error())
		}
		entries = append(entries, profile.Entry{Name: s.Name(), Value: value})
	}
	if len(wrong) > 0 {
		return nil, api.Errorf(api.CodeInvalid, "nothing was saved; %s", strings.Join(wrong, "; "))
	}
	return entries, nil
}
