package server

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/store"
)

// databaseOptions are what the commands on the schema have in common.
type databaseOptions struct {
	env      *cli.Env
	url      string
	yes      bool
	dryRun   bool
	revision string
	output   output.Options
}

func newDatabaseCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("database", "look at the schema of the server's database and change it", nil, func() []*cobra.Command {
		return []*cobra.Command{
			newDatabaseStatusCmd(env),
			newUpgradeCmd(env),
			newDowngradeCmd(env),
			newStampCmd(env),
			newRevisionCmd(env),
			newResetCmd(env),
		}
	})
	cmd.Example = "usher server database status\nusher server database upgrade --yes"
	return cmd
}

// on opens the database and calls do with it.
func (o *databaseOptions) on(ctx context.Context, do func(context.Context, *store.Schema) error) error {
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	url, err := databaseURL(o.url, settings)
	if err != nil {
		return err
	}
	schema, err := store.OpenSchema(ctx, store.Config{URL: url})
	if err != nil {
		return err
	}
	defer schema.Close() //nolint:errcheck // what it did is committed
	return do(ctx, schema)
}

// resolve finds the step that a revision names: head, base, a number with or without the
// rest of its name, or so many steps from the current one.
func resolve(revision string, steps []store.Step) (int64, error) {
	switch revision {
	case "head", "heads":
		return steps[len(steps)-1].Version, nil
	case "base":
		return 0, nil
	}
	if strings.HasPrefix(revision, "+") || strings.HasPrefix(revision, "-") {
		return relative(revision, steps)
	}
	number, _, _ := strings.Cut(revision, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	for _, step := range steps {
		if err == nil && step.Version == version {
			return version, nil
		}
	}
	return 0, cli.Usagef("there is no revision %q: `usher server database status` lists them", revision)
}

func relative(revision string, steps []store.Step) (int64, error) {
	by, err := strconv.Atoi(revision)
	if err != nil {
		return 0, cli.Usagef("%q is no number of revisions", revision)
	}
	at := -1
	for i, step := range steps {
		if step.Applied {
			at = i
		}
	}
	switch at += by; {
	case at < -1:
		return 0, cli.Usagef("there are fewer than %d revisions to go back", -by)
	case at == -1:
		return 0, nil
	}
	return steps[min(at, len(steps)-1)].Version, nil
}

func nameOf(step store.Step) string { return fmt.Sprintf("%04d_%s", step.Version, step.Name) }

// schemaStep is what status prints of a step.
type schemaStep struct {
	Revision string `json:"revision"`
	Applied  bool   `json:"applied"`
}

func newDatabaseStatusCmd(env *cli.Env) *cobra.Command {
	opts, out := &databaseOptions{env: env}, output.Options{}
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "list the steps of the schema and whether the database has got them",
		Example: "usher server database status\nusher server database status --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return opts.on(cmd.Context(), func(ctx context.Context, s *store.Schema) error { return printSteps(ctx, env, out, s) })
		},
	}
	cli.Positionals(cmd)
	databaseFlag(cmd, &opts.url)
	cli.OutputFlags(cmd, &out, output.FieldsOf[schemaStep]())
	return cmd
}

func printSteps(ctx context.Context, env *cli.Env, out output.Options, s *store.Schema) error {
	steps, err := s.Steps(ctx)
	if err != nil {
		return err
	}
	rows, missing := make([]schemaStep, len(steps)), 0
	for i, step := range steps {
		rows[i] = schemaStep{nameOf(step), step.Applied}
		if !step.Applied {
			missing++
		}
	}
	if err := output.List(env.Printer(out), rows, []output.Column[schemaStep]{
		{Name: "Revision", Value: func(s schemaStep) string { return s.Revision }},
		{Name: "Applied", Value: func(s schemaStep) string { return strconv.FormatBool(s.Applied) }},
	}); err != nil {
		return err
	}
	if missing == 0 {
		env.Sayf("%s is up to date.", s.Describe())
		return nil
	}
	env.Sayf("%s lacks %d of the steps: `usher server database upgrade` applies them, as the next start of a server does.", s.Describe(), missing)
	return nil
}

func databaseFlag(cmd *cobra.Command, url *string) {
	cmd.Flags().StringVar(url, "database-url", "", "sqlite:///FILE or postgres://… (default: usher.db below USHER_HOME)")
}

func newRevisionCmd(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revision",
		Short:   "where migrations are written: the source of usher",
		Example: "usher server database revision",
		RunE: func(*cobra.Command, []string) error {
			return cli.Fail(cli.Failure, "migrations are part of usher and can't be added to it here",
				"`usher server database status` lists them; in the source they are in internal/store/migrations")
		},
	}
	cli.Positionals(cmd)
	cmd.Flags().StringP("message", "m", "", "accepted as the reference's")
	cmd.Flags().Bool("autogenerate", false, "accepted as the reference's")
	return cmd
}
