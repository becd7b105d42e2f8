package follow

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
)

// Cancel asks a flow run to stop and brings run up to the state that it has then: one that nobody
// works on is Cancelled at once, any other Cancelling until its worker has ended it. message is
// what the state says of who asked.
func Cancel(ctx context.Context, c *client.Client, run *api.FlowRunResponse, message string) error {
	result, err := c.SetFlowRunState(ctx, run.ID, &api.SetFlowRunStateRequest{
		State: api.StateCreate{Type: api.StateTypeCancelling, Name: api.Some("Cancelling"), Message: api.Some(message)},
	})
	if err != nil {
		return err
	}
	if result.Status == api.SetStateStatusAbort {
		return cli.Fail(cli.Refused, fmt.Sprintf("flow run %q can't be cancelled: %s", run.Name, Reason(result)), "")
	}
	if s := result.State; s != nil {
		run.State, run.StateID, run.StateType, run.StateName = s, &s.ID, &s.Type, s.Name
	}
	return nil
}

// Reason is why the server did not take a state.
func Reason(result api.OrchestrationResult) string {
	var details struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(result.Details, &details); err != nil || details.Reason == "" {
		return "the server does not say why"
	}
	return details.Reason
}
