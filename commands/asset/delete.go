package asset

import (
	"context"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type deleteOptions struct {
	at    *place
	key   string
	force bool
	yes   bool

	output output.Options
}

func newDeleteCmd(at *place) *cobra.Command {
	opts := &deleteOptions{at: at}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove an asset by its whole key",
		Example: at.words + " delete s3://bucket/data.csv",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, at.keyArgument(&opts.key, true))
	cmd.Flags().BoolVarP(&opts.force, "force", "f", false, "the same as --yes")
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, []string{"key"})
	return cmd
}

func (o *deleteOptions) run(ctx context.Context) error {
	c, err := o.at.client()
	if err != nil {
		return err
	}
	if err := o.at.env.Confirm(ctx, o.yes || o.force, "Delete asset %q?", o.key); err != nil {
		return err
	}
	if err := c.Tell(ctx, "DELETE", "/assets/key?key="+url.QueryEscape(o.key), nil); err != nil {
		return o.at.missing(ctx, c, o.key, err)
	}
	return cli.Result(o.at.env, o.output, map[string]string{"key": o.key}, "Deleted asset %q.", o.key)
}
