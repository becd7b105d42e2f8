package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/store"
)

func newUpgradeCmd(env *cli.Env) *cobra.Command {
	opts := &databaseOptions{env: env}
	cmd := &cobra.Command{
		Use:     "upgrade",
		Short:   "bring the schema up to date",
		Long:    "Applies the steps that the database lacks. A server does so by itself when it starts; servers of the previous release may go on meanwhile.",
		Example: "usher server database upgrade --yes\nusher server database upgrade --dry-run",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.on(cmd.Context(), opts.upgrade) },
	}
	changeFlags(cmd, opts, "head")
	return cmd
}

func newDowngradeCmd(env *cli.Env) *cobra.Command {
	opts := &databaseOptions{env: env}
	cmd := &cobra.Command{
		Use:     "downgrade",
		Short:   "take back the last steps of the schema",
		Long:    "Takes back what the steps after a revision have made, with the data in it. The previous release needs no downgrade: it works on the newer schema.",
		Example: "usher server database downgrade --revision 0010 --yes\nusher server database downgrade --dry-run",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.on(cmd.Context(), opts.downgrade) },
	}
	changeFlags(cmd, opts, "-1")
	return cmd
}

func changeFlags(cmd *cobra.Command, opts *databaseOptions, revision string) {
	cli.Positionals(cmd)
	databaseFlag(cmd, &opts.url)
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[schemaStep]())
	cmd.Flags().StringVarP(&opts.revision, "revision", "r", revision, "go to this `revision`: its number, head, base, or so many from here (-1)")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "print the SQL and do nothing")
}

func (o *databaseOptions) upgrade(ctx context.Context, s *store.Schema) error {
	steps, to, err := o.target(ctx, s)
	if err != nil {
		return err
	}
	if o.dryRun {
		for _, step := range steps {
			if !step.Applied && step.Version <= to {
				fmt.Fprintf(o.env.Streams.Out, "-- %s\n%s\n", nameOf(step), step.SQL)
			}
		}
		return nil
	}
	if err := o.env.ConfirmAlways(ctx, o.yes, "Upgrade the database %s?", s.Describe()); err != nil {
		return err
	}
	done, err := s.Upgrade(ctx, to)
	return o.told(done, err, "applied", "%s has got every step up to there.", s.Describe())
}

func (o *databaseOptions) downgrade(ctx context.Context, s *store.Schema) error {
	steps, to, err := o.target(ctx, s)
	if err != nil {
		return err
	}
	if o.dryRun {
		for i := len(steps) - 1; i >= 0; i-- {
			if !steps[i].Applied || steps[i].Version <= to {
				continue
			}
			script, err := steps[i].Undo()
			if err != nil {
				return err
			}
			fmt.Fprintf(o.env.Streams.Out, "-- %s\n%s\n", nameOf(steps[i]), script)
		}
		return nil
	}
	if err := o.env.ConfirmAlways(ctx, o.yes, "Downgrade the database %s? What is kept in the tables and columns that go is lost.", s.Describe()); err != nil {
		return err
	}
	undone, err := s.Downgrade(ctx, to)
	return o.told(undone, err, "taken back", "%s has got no step after that.", s.Describe())
}

// target is the step to go to, with all that there are.
func (o *databaseOptions) target(ctx context.Context, s *store.Schema) (steps []store.Step, to int64, err error) {
	if steps, err = s.Steps(ctx); err != nil {
		return nil, 0, err
	}
	to, err = resolve(o.revision, steps)
	return steps, to, err
}

// told says what was done; nothing is worded when there was nothing to do.
func (o *databaseOptions) told(steps []store.Step, err error, what, nothing string, args ...any) error {
	if err != nil {
		return err
	}
	done, words := make([]schemaStep, len(steps)), make([]string, len(steps))
	for i, step := range steps {
		done[i] = schemaStep{nameOf(step), what != "taken back"}
		words[i] = nameOf(step) + " " + what
	}
	if len(steps) == 0 {
		return cli.Results(o.env, o.output, done, nothing, args...)
	}
	return cli.Results(o.env, o.output, done, "%s", strings.Join(words, "\n"))
}

func newStampCmd(env *cli.Env) *cobra.Command {
	opts := &databaseOptions{env: env}
	cmd := &cobra.Command{
		Use:     "stamp",
		Short:   "note which steps the schema has got, without doing anything",
		Example: "usher server database stamp head",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.on(cmd.Context(), opts.stamp) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "revision", Value: &opts.revision, Required: true})
	databaseFlag(cmd, &opts.url)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[schemaStep]())
	return cmd
}

func (o *databaseOptions) stamp(ctx context.Context, s *store.Schema) error {
	_, to, err := o.target(ctx, s)
	if err != nil {
		return err
	}
	noted, err := s.Stamp(ctx, to)
	return o.told(noted, err, "noted", "%s is noted there already.", s.Describe())
}

func newResetCmd(env *cli.Env) *cobra.Command {
	opts := &databaseOptions{env: env}
	cmd := &cobra.Command{
		Use:     "reset",
		Short:   "drop everything that usher keeps and begin anew",
		Example: "usher server database reset",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.on(cmd.Context(), opts.reset) },
	}
	cli.Positionals(cmd)
	databaseFlag(cmd, &opts.url)
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[schemaStep]())
	return cmd
}

func (o *databaseOptions) reset(ctx context.Context, s *store.Schema) error {
	if _, err := s.Steps(ctx); err != nil {
		return err
	}
	if err := o.env.ConfirmAlways(ctx, o.yes, "Reset the database %s? Everything in it is lost: flows, runs, deployments, blocks. Stop its servers first.", s.Describe()); err != nil {
		return err
	}
	if err := s.Reset(ctx); err != nil {
		return err
	}
	return cli.Results(o.env, o.output, []schemaStep{}, "%s is empty.", s.Describe())
}
