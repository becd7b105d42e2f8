package limit

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// tagOptions are those of a verb about one tag.
type tagOptions struct {
	env *cli.Env
	tag string
	yes bool

	output output.Options
}

// result defines the flags of a verb that changes the limit.
func (o *tagOptions) result(cmd *cobra.Command) {
	cli.ResultFlags(cmd, &o.output, output.FieldsOf[api.ConcurrencyLimit]())
}

// with runs a verb with the client and words an unknown tag.
func (o *tagOptions) with(ctx context.Context, run func(*client.Client) error) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	return known(ctx, c, o.tag, run(c))
}

func newCreateCmd(env *cli.Env) *cobra.Command {
	opts := &tagOptions{env: env}
	text := ""
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "limit a tag, or change its limit",
		Example: "usher concurrency-limit create database 5",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.create(cmd.Context(), text) },
	}
	cli.Positionals(cmd, tagArgument(env, &opts.tag), cli.Positional{Name: "concurrency_limit", Value: &text, Required: true})
	opts.result(cmd)
	return cmd
}

func (o *tagOptions) create(ctx context.Context, text string) error {
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 0 {
		return cli.Usagef("%q is not a number of task runs", text)
	}
	return o.with(ctx, func(c *client.Client) error {
		made, err := c.CreateConcurrencyLimit(ctx, &api.ConcurrencyLimitCreate{Tag: o.tag, ConcurrencyLimit: limit})
		if err != nil {
			return err
		}
		return cli.Result(o.env, o.output, made, "At most %d task runs with tag %q go on at once.", limit, o.tag)
	})
}

func newResetCmd(env *cli.Env) *cobra.Command {
	opts := &tagOptions{env: env}
	cmd := &cobra.Command{
		Use:     "reset",
		Short:   "free the slots of a tag, where task runs died without doing so",
		Example: "usher concurrency-limit reset database",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.reset(cmd.Context()) },
	}
	cli.Positionals(cmd, tagArgument(env, &opts.tag))
	opts.result(cmd)
	return cmd
}

func (o *tagOptions) reset(ctx context.Context) error {
	return o.with(ctx, func(c *client.Client) error {
		if _, err := c.ResetConcurrencyLimitByTag(ctx, o.tag, &api.ResetConcurrencyLimitByTagRequest{}); err != nil {
			return err
		}
		return cli.ResultOf(o.env, o.output, func() (api.ConcurrencyLimit, error) { return c.ReadConcurrencyLimitByTag(ctx, o.tag) },
			"All slots of tag %q are free.", o.tag)
	})
}

func newDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &tagOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove the limit of a tag",
		Example: "usher concurrency-limit delete database",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.delete(cmd.Context()) },
	}
	cli.Positionals(cmd, tagArgument(env, &opts.tag))
	cli.YesFlag(cmd, &opts.yes)
	opts.result(cmd)
	return cmd
}

func (o *tagOptions) delete(ctx context.Context) error {
	return o.with(ctx, func(c *client.Client) error {
		limit, err := c.ReadConcurrencyLimitByTag(ctx, o.tag)
		if err != nil {
			return err
		}
		if err := o.env.Confirm(ctx, o.yes, "Delete the concurrency limit of tag %q?", o.tag); err != nil {
			return err
		}
		if _, err := c.DeleteConcurrencyLimitByTag(ctx, o.tag); err != nil {
			return err
		}
		return cli.Result(o.env, o.output, limit, "Deleted the concurrency limit of tag %q.", o.tag)
	})
}
