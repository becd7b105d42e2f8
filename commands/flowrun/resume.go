package flowrun

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/follow"
)

func newResumeCmd(env *cli.Env) *cobra.Command {
	b := &batch{selection: selection{env: env}}
	cmd := &cobra.Command{
		Use:     "resume",
		Short:   "let paused and suspended flow runs go on",
		Long:    "Runs are named, or chosen by what they are like; a choice is counted and confirmed first.",
		Example: "usher flow-run resume curious-badger\nusher flow-run resume --state Suspended --dry-run",
		RunE:    func(cmd *cobra.Command, _ []string) error { return resumeAll(cmd.Context(), b) },
	}
	b.define(cmd, "resume")
	return cmd
}

func resumeAll(ctx context.Context, b *batch) error {
	return b.act(ctx, "resume", "Resumed", nil, func(c *client.Client, run *api.FlowRunResponse) (string, error) {
		result, err := c.ResumeFlowRun(ctx, run.ID, &api.ResumeFlowRunRequest{})
		if err != nil {
			return "", err
		}
		if result.Status != api.SetStateStatusAccept {
			return "", cli.Fail(cli.Refused, fmt.Sprintf("flow run %q can't be resumed: %s", run.Name, follow.Reason(result)), "")
		}
		if s := result.State; s != nil {
			run.State, run.StateID, run.StateType, run.StateName = s, &s.ID, &s.Type, s.Name
		}
		return fmt.Sprintf("Flow run %q goes on.", run.Name), nil
	})
}
