package declare

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/declare"
)

type applyOptions struct {
	planOptions

	yes    bool
	dryRun bool
}

// NewApplyCmd makes usher apply.
func NewApplyCmd(env *cli.Env) *cobra.Command {
	opts := &applyOptions{planOptions: planOptions{env: env}}
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "make the server have what documents declare",
		Long: "Each document has a kind, a name and fields; fields that it does not say stay as they are. What would change\n" +
			"is shown first. Applied again, the same documents change nothing. `usher export` writes documents to begin with.",
		Example: "usher apply -f objects.yaml --dry-run\nusher apply -f objects.yaml --yes\nusher apply -f objects.yaml --prune --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.define(cmd)
	cli.YesFlag(cmd, &opts.yes)
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "only show what would change")
	return cmd
}

func (o *applyOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	plan, err := o.plan(ctx, c)
	if err != nil {
		return err
	}
	if err := o.show(plan); err != nil || o.dryRun || isDone(plan) {
		return err
	}
	confirm := o.env.Confirm
	if count(plan)[declare.Delete] > 0 {
		confirm = o.env.ConfirmAlways
	}
	if err := confirm(ctx, o.yes, "Apply?"); err != nil {
		return err
	}
	for i := range plan {
		if err := declare.Apply(ctx, c, &plan[i]); err != nil {
			return cli.WithHint(err, "%d of %d changes were made before; apply again to make the rest", i, len(plan))
		}
	}
	o.env.Say("Applied.")
	return nil
}
