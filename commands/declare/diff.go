package declare

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// NewDiffCmd makes usher diff.
func NewDiffCmd(env *cli.Env) *cobra.Command {
	opts := &planOptions{env: env}
	cmd := &cobra.Command{
		Use:     "diff",
		Short:   "show what `usher apply` would change",
		Long:    "The exit code is 0 if the server has all as the documents say, and 1 if something differs.",
		Example: "usher diff -f objects.yaml",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.diff(cmd.Context()) },
	}
	opts.define(cmd)
	return cmd
}

func (o *planOptions) diff(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	plan, err := o.plan(ctx, c)
	if err != nil {
		return err
	}
	if err := o.show(plan); err != nil || isDone(plan) {
		return err
	}
	return cli.Quiet(cli.Failure)
}
