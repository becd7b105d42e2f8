package flowrun

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
)

func newDeleteCmd(env *cli.Env) *cobra.Command {
	b := &batch{selection: selection{env: env}}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove flow runs and what is known of them",
		Long:    "Runs are named, or chosen by what they are like; a choice is counted and confirmed first.",
		Example: "usher flow-run delete curious-badger\nusher flow-run delete --tag try-out --state-type COMPLETED --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return deleteAll(cmd.Context(), b) },
	}
	b.define(cmd, "delete")
	return cmd
}

func deleteAll(ctx context.Context, b *batch) error {
	named := func(runs []api.FlowRunResponse) error {
		for _, run := range runs[:min(len(runs), len(b.ids))] {
			if err := b.env.Confirm(ctx, b.yes, "Delete flow run %q (%s)?", run.Name, run.ID); err != nil {
				return err
			}
		}
		return nil
	}
	return b.act(ctx, "delete", "Deleted", named, func(c *client.Client, run *api.FlowRunResponse) (string, error) {
		if err := c.DeleteFlowRun(ctx, run.ID); err != nil && api.CodeOf(err) != api.CodeNotFound {
			return "", err
		}
		return fmt.Sprintf("Deleted flow run %q.", run.Name), nil
	})
}
