package workqueue

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	queue

	output  output.Options
	verbose bool
	match   string
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{queue: queue{env: env}}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list work queues, of one pool or of all",
		Example: "usher work-queue ls\nusher work-queue ls --pool local --match urg",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	opts.poolFlag(cmd)
	cmd.Flags().BoolVarP(&opts.verbose, "verbose", "v", false, "show their descriptions too")
	cmd.Flags().StringVarP(&opts.match, "match", "m", "", "only queues whose names begin with this `text`")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.WorkQueueResponse]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	shown := columns()
	if o.verbose {
		shown = append(shown, description())
	}
	err = find.List(o.env, o.output, shown, "No work queues found.", 0, reader(ctx, c, o.pool, o.match))
	if api.CodeOf(err) == api.CodeNotFound && o.pool != "" {
		if _, err := find.WorkPool(ctx, c, o.pool); err != nil {
			return err
		}
	}
	return err
}
