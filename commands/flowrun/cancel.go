package flowrun

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/output"
)

func newCancelCmd(env *cli.Env) *cobra.Command {
	b := &batch{selection: selection{env: env}}
	cmd := &cobra.Command{
		Use:     "cancel",
		Short:   "stop flow runs, or keep them from starting",
		Long:    "Runs are named, or chosen by what they are like; a choice is counted and confirmed first.",
		Example: "usher flow-run cancel curious-badger\nusher flow-run cancel --state Late --older-than 1h --dry-run",
		RunE:    func(cmd *cobra.Command, _ []string) error { return cancelAll(cmd.Context(), b) },
	}
	b.define(cmd, "cancel")
	return cmd
}

func cancelAll(ctx context.Context, b *batch) error {
	return b.act(ctx, "cancel", "Cancelled", nil, func(c *client.Client, run *api.FlowRunResponse) (string, error) {
		before := output.Text(run.StateName)
		if err := follow.Cancel(ctx, c, run, "Cancelled from the command line."); err != nil {
			return "", err
		}
		if run.StateType != nil && *run.StateType == api.StateTypeCancelled {
			return fmt.Sprintf("Flow run %q is cancelled.", run.Name), nil
		}
		return fmt.Sprintf("Flow run %q (%s) is asked to stop; its worker ends it.", run.Name, before), nil
	})
}
