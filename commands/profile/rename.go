package profile

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type renameOptions struct {
	env     *cli.Env
	name    string
	newName string
	output  output.Options
}

func newRenameCmd(env *cli.Env) *cobra.Command {
	opts := &renameOptions{env: env}
	cmd := &cobra.Command{
		Use:     "rename",
		Short:   "give a profile another name",
		Example: "usher profile rename prod production",
		RunE:    func(*cobra.Command, []string) error { return opts.run() },
	}
	cli.Positionals(cmd,
		nameArgument(env, &opts.name, true),
		cli.Positional{Name: "new_name", Value: &opts.newName, Required: true},
	)
	resultFlags(cmd, &opts.output)
	return cmd
}

func (o *renameOptions) run() error {
	if strings.TrimSpace(o.newName) == "" {
		return cli.Usagef("a profile needs a name")
	}
	var known []string
	err := edit(o.env, func(p *profile.Profiles) error {
		known = savedNames(p)
		return p.Rename(o.name, o.newName)
	})
	if api.CodeOf(err) == api.CodeNotFound {
		return cli.NotFound("saved profile", o.name, known)
	}
	if err != nil {
		return err
	}
	for _, variable := range []string{"USHER_PROFILE", "PREFECT_PROFILE"} {
		if os.Getenv(variable) == o.name {
			o.env.Warn(variable + " still names " + o.name + ": set it to " + o.newName)
		}
	}
	return cli.ResultOf(o.env, o.output, o.renamed, "Renamed profile %q to %q.", o.name, o.newName)
}

func (o *renameOptions) renamed() (row, error) {
	profiles, err := reopen(o.env)
	if err != nil {
		return row{}, err
	}
	return row{Name: o.newName, Active: profiles.Active() == o.newName}, nil
}
