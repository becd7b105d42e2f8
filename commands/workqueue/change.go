package workqueue

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

// changeOptions are those of every verb that changes one queue.
type changeOptions struct {
	queue

	update func() (*api.WorkQueueUpdate, error)
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
	cli.ResultFlags(cmd, &o.output, output.FieldsOf[response]())
	return cmd
}

func (o *changeOptions) run(ctx context.Context) error {
	update, err := o.update()
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	found, err := o.find(ctx, c)
	if err != nil {
		return err
	}
	if err := c.UpdateWorkQueue(ctx, found.ID, update); err != nil {
		return err
	}
	return cli.ResultOf(o.env, o.output, func() (response, error) { return c.ReadWorkQueue(ctx, found.ID) }, "%s", o.said())
}

func newPauseCmd(env *cli.Env) *cobra.Command {
	opts := &changeOptions{queue: queue{env: env}}
	opts.update = func() (*api.WorkQueueUpdate, error) { return &api.WorkQueueUpdate{IsPaused: api.Some(true)}, nil }
	opts.said = func() string { return fmt.Sprintf("Paused work queue %q: it hands out no runs.", opts.name) }
	cmd := opts.command("pause", "let a work queue hand out no runs", "usher work-queue pause urgent --pool local")
	opts.arguments(cmd)
	return cmd
}

func newResumeCmd(env *cli.Env) *cobra.Command {
	opts := &changeOptions{queue: queue{env: env}}
	opts.update = func() (*api.WorkQueueUpdate, error) { return &api.WorkQueueUpdate{IsPaused: api.Some(false)}, nil }
	opts.said = func() string { return fmt.Sprintf("Resumed work queue %q.", opts.name) }
	cmd := opts.command("resume", "let a work queue hand out runs again", "usher work-queue resume urgent --pool local")
	opts.arguments(cmd)
	return cmd
}

func newSetLimitCmd(env *cli.Env) *cobra.Command {
	opts := &changeOptions{queue: queue{env: env}}
	text := ""
	opts.update = func() (*api.WorkQueueUpdate, error) {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 0 {
			return nil, cli.Usagef("%q is not a number of runs", text)
		}
		return &api.WorkQueueUpdate{ConcurrencyLimit: api.Some(limit)}, nil
	}
	opts.said = func() string { return fmt.Sprintf("Work queue %q runs at most %s at once.", opts.name, text) }
	cmd := opts.command("set-concurrency-limit", "limit how many runs of a work queue go on at once", "usher work-queue set-concurrency-limit urgent 4 --pool local")
	opts.arguments(cmd, cli.Positional{Name: "limit", Value: &text, Required: true})
	return cmd
}

func newClearLimitCmd(env *cli.Env) *cobra.Command {
	opts := &changeOptions{queue: queue{env: env}}
	opts.update = func() (*api.WorkQueueUpdate, error) {
		return &api.WorkQueueUpdate{ConcurrencyLimit: api.Null[int]()}, nil
	}
	opts.said = func() string { return fmt.Sprintf("Work queue %q has no concurrency limit.", opts.name) }
	cmd := opts.command("clear-concurrency-limit", "let any number of runs of a work queue go on at once", "usher work-queue clear-concurrency-limit urgent --pool local")
	opts.arguments(cmd)
	return cmd
}
