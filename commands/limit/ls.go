package limit

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	env           *cli.Env
	output        output.Options
	limit, offset int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the tags that have a limit",
		Example: "usher concurrency-limit ls",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().IntVar(&opts.limit, "limit", 15, "show at most this many; 0 for all")
	cmd.Flags().IntVar(&opts.offset, "offset", 0, "leave out this many first")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.ConcurrencyLimit]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	return find.List(o.env, o.output, columns(), "No tag has a concurrency limit.", o.limit, func(offset, limit int) ([]api.ConcurrencyLimit, error) {
		return c.ReadConcurrencyLimits(ctx, &api.ReadConcurrencyLimitsRequest{Offset: api.Some(o.offset + offset), Limit: api.Some(limit)})
	})
}

type inspectOptions struct {
	tagOptions

	output output.Options
	web    bool
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{tagOptions: tagOptions{env: env}}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show the limit of a tag and which task runs hold its slots",
		Example: "usher concurrency-limit inspect database",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, tagArgument(env, &opts.tag))
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.ConcurrencyLimit]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	return o.with(ctx, func(c *client.Client) error {
		limit, err := c.ReadConcurrencyLimitByTag(ctx, o.tag)
		if err != nil {
			return err
		}
		if o.web {
			return find.Browse(o.env, "/concurrency-limits")
		}
		return output.Detail(o.env.Printer(o.output), limit, columns())
	})
}
