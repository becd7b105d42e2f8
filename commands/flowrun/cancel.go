package flowrun

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
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
	c, err := b.env.Client()
	if err != nil {
		return err
	}
	runs, err := b.runs(ctx, c, "Cancel")
	if err != nil {
		return err
	}
	if b.dryRun {
		return b.preview(ctx, c, runs, "cancel")
	}
	return b.each(ctx, runs, "Cancelled", func(run *api.FlowRunResponse) error { return cancel(ctx, b.env, c, run) })
}

func cancel(ctx context.Context, env *cli.Env, c *client.Client, run *api.FlowRunResponse) error {
	result, err := c.SetFlowRunState(ctx, run.ID, &api.SetFlowRunStateRequest{
		State: api.StateCreate{Type: api.StateTypeCancelling, Name: api.Some("Cancelling"), Message: api.Some("Cancelled from the command line.")},
	})
	if err != nil {
		return err
	}
	if result.Status == api.SetStateStatusAbort {
		return cli.Fail(cli.Refused, fmt.Sprintf("flow run %q can't be cancelled: %s", run.Name, reason(result)), "")
	}
	if result.State != nil && result.State.Type == api.StateTypeCancelled {
		env.Sayf("Flow run %q is cancelled.", run.Name)
		return nil
	}
	env.Sayf("Flow run %q (%s) is asked to stop; its worker ends it.", run.Name, output.Text(run.StateName))
	return nil
}

// reason is why the server did not take a state.
func reason(result api.OrchestrationResult) string {
	var details struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(result.Details, &details); err != nil || details.Reason == "" {
		return "the server does not say why"
	}
	return details.Reason
}
