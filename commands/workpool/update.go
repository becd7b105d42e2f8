package workpool

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// changeOptions are those of every verb that changes one pool.
type changeOptions struct {
	env  *cli.Env
	name string
	// change is what is wanted; said tells the user once it is done.
	change func() (*api.WorkPoolUpdate, error)
	said   func() string
	output output.Options
}

func (o *changeOptions) command(verb, short, example string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: example,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cli.ResultFlags(cmd, &o.output, output.FieldsOf[api.WorkPoolResponse]())
	return cmd
}

func (o *changeOptions) run(ctx context.Context) error {
	update, err := o.change()
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	err = c.UpdateWorkPool(ctx, o.name, update)
	if api.CodeOf(err) == api.CodeNotFound {
		if _, err := find.WorkPool(ctx, c, o.name); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return cli.ResultOf(o.env, o.output, func() (api.WorkPoolResponse, error) { return c.ReadWorkPool(ctx, o.name) }, "%s", o.said())
}

func newUpdateCmd(env *cli.Env) *cobra.Command {
	opts := &changeOptions{env: env}
	cmd := opts.command("update", "change a work pool", "usher work-pool update local --concurrency-limit 4 --description 'on this machine'")
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	flags := cmd.Flags()
	file := flags.String("base-job-template", "", "a JSON `file` with the new template of its jobs")
	limit := flags.Int("concurrency-limit", 0, "how many runs may go on at once")
	description := flags.String("description", "", "what the pool is for")
	opts.change = func() (*api.WorkPoolUpdate, error) {
		update := &api.WorkPoolUpdate{}
		if *file == "" && !flags.Changed("concurrency-limit") && !flags.Changed("description") {
			return nil, cli.Usagef("nothing to change: say --description, --concurrency-limit or --base-job-template")
		}
		if *file != "" {
			template, err := readTemplate(*file)
			if err != nil {
				return nil, err
			}
			update.BaseJobTemplate = api.Some(template)
		}
		if flags.Changed("concurrency-limit") {
			update.ConcurrencyLimit = api.Some(*limit)
		}
		if flags.Changed("description") {
			update.Description = api.Some(*description)
		}
		return update, nil
	}
	opts.said = func() string { return "Updated work pool " + strconv.Quote(opts.name) + "." }
	return cmd
}

func newPauseCmd(env *cli.Env) *cobra.Command {
	opts := &changeOptions{env: env, change: paused(true)}
	opts.said = func() string {
		return "Paused work pool " + strconv.Quote(opts.name) + ": its workers get no new runs."
	}
	cmd := opts.command("pause", "let a work pool hand out no runs", "usher work-pool pause local")
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	return cmd
}

func newResumeCmd(env *cli.Env) *cobra.Command {
	opts := &changeOptions{env: env, change: paused(false)}
	opts.said = func() string { return "Resumed work pool " + strconv.Quote(opts.name) + "." }
	cmd := opts.command("resume", "let a work pool hand out runs again", "usher work-pool resume local")
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	return cmd
}

func paused(value bool) func() (*api.WorkPoolUpdate, error) {
	return func() (*api.WorkPoolUpdate, error) { return &api.WorkPoolUpdate{IsPaused: api.Some(value)}, nil }
}

func newSetLimitCmd(env *cli.Env) *cobra.Command {
	opts := &changeOptions{env: env}
	text := ""
	cmd := opts.command("set-concurrency-limit", "limit how many runs of a work pool go on at once", "usher work-pool set-concurrency-limit local 4")
	cli.Positionals(cmd, nameArgument(env, &opts.name, true), cli.Positional{Name: "concurrency_limit", Value: &text, Required: true})
	opts.change = func() (*api.WorkPoolUpdate, error) {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 0 {
			return nil, cli.Usagef("%q is not a number of runs", text)
		}
		return &api.WorkPoolUpdate{ConcurrencyLimit: api.Some(limit)}, nil
	}
	opts.said = func() string { return "Work pool " + strconv.Quote(opts.name) + " runs at most " + text + " at once." }
	return cmd
}

func newClearLimitCmd(env *cli.Env) *cobra.Command {
	opts := &changeOptions{env: env}
	cmd := opts.command("clear-concurrency-limit", "let any number of runs of a work pool go on at once", "usher work-pool clear-concurrency-limit local")
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	opts.change = func() (*api.WorkPoolUpdate, error) {
		return &api.WorkPoolUpdate{ConcurrencyLimit: api.Null[int]()}, nil
	}
	opts.said = func() string { return "Work pool " + strconv.Quote(opts.name) + " has no concurrency limit." }
	return cmd
}
