package profile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type populateOptions struct {
	env *cli.Env
	yes bool

	output output.Options
}

func newPopulateCmd(env *cli.Env) *cobra.Command {
	opts := &populateOptions{env: env}
	cmd := &cobra.Command{
		Use:     "populate-defaults",
		Short:   "save the built-in profiles that are missing",
		Example: "usher profile populate-defaults",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cli.YesFlag(cmd, &opts.yes)
	resultFlags(cmd, &opts.output)
	return cmd
}

func (o *populateOptions) run(ctx context.Context) error {
	profiles, _, err := open(o.env)
	if err != nil {
		return err
	}
	missing := profiles.Missing()
	if len(missing) == 0 {
		return cli.Results(o.env, o.output, []row{}, "All built-in profiles are saved already.")
	}
	saved := make([]row, len(missing))
	for i, p := range missing {
		saved[i].Name = p.Name
		if !o.output.Structured() {
			o.env.Sayf("  + %s", p.Name)
		}
	}
	if err := o.backUp(ctx, profiles.Path()); err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Save them in %s?", profiles.Path()); err != nil {
		return err
	}
	if err := edit(o.env, (*profile.Profiles).Populate); err != nil {
		return err
	}
	return cli.Results(o.env, o.output, saved, "Saved in %s. `usher profile use <name>` switches to one.", profiles.Path())
}

// backUp offers to keep the file as it was; only a person is asked.
func (o *populateOptions) backUp(ctx context.Context, path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || o.yes || !o.env.Interactive() {
		return nil
	}
	if err != nil {
		return fmt.Errorf("back up the profiles: %w", err)
	}
	wanted, err := o.env.Streams.Confirm(ctx, "Keep the file as it is in "+path+".bak?", true)
	if err != nil || !wanted {
		return err
	}
	if err := os.WriteFile(path+".bak", text, 0o600); err != nil {
		return fmt.Errorf("back up the profiles: %w", err)
	}
	return nil
}
