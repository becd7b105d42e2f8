package profile

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type createOptions struct {
	env  *cli.Env
	name string
	from string

	output output.Options
}

func newCreateCmd(env *cli.Env) *cobra.Command {
	opts := &createOptions{env: env}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "make a profile, empty or as a copy",
		Example: "usher profile create prod\nusher profile create staging --from prod",
		RunE:    func(*cobra.Command, []string) error { return opts.run() },
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &opts.name, Required: true})
	cmd.Flags().StringVar(&opts.from, "from", "", "copy the settings of this `profile`")
	resultFlags(cmd, &opts.output)
	return cmd
}

func (o *createOptions) run() error {
	if strings.TrimSpace(o.name) == "" {
		return cli.Usagef("a profile needs a name")
	}
	var known []string
	err := edit(o.env, func(p *profile.Profiles) error {
		known = savedNames(p)
		return p.Create(o.name, o.from)
	})
	switch api.CodeOf(err) {
	case api.CodeConflict:
		return cli.WithHint(err, "`usher profile use %s` switches to it; `usher profile delete %s` removes it first", word(o.name), word(o.name))
	case api.CodeNotFound:
		return cli.NotFound("saved profile", o.from, known)
	}
	if err != nil {
		return err
	}
	return cli.Result(o.env, o.output, row{Name: o.name},
		"Created profile %q. `usher profile use %s` switches to it; `usher -p %s ...` uses it once.", o.name, word(o.name), word(o.name))
}

// word is a name as it has to be typed.
func word(name string) string {
	if strings.ContainsAny(name, " \t\"'`$\\&|;<>()*?!#~") {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}
