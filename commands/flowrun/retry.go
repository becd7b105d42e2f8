package flowrun

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/output"
)

type retryOptions struct {
	env        *cli.Env
	id         string
	entrypoint string
}

func newRetryCmd(env *cli.Env) *cobra.Command {
	opts := &retryOptions{env: env}
	cmd := &cobra.Command{
		Use:     "retry",
		Short:   "run a flow run that has ended once more",
		Long:    "The run keeps its id, its parameters and the results of its tasks. It needs a deployment, whose workers take it.",
		Example: "usher flow-run retry curious-badger",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "id_or_name", Value: &opts.id, Required: true, Complete: env.Complete(find.FlowRuns)})
	cmd.Flags().StringVarP(&opts.entrypoint, "entrypoint", "e", "", "the `file.py:flow` of a run without a deployment")
	return cmd
}

func (o *retryOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	run, err := find.FlowRun(ctx, c, o.id)
	if err != nil {
		return err
	}
	if !follow.Ended(run) {
		return cli.Fail(cli.Refused, fmt.Sprintf("flow run %q is %s; only a run that has ended is retried", run.Name, output.Text(run.StateName)),
			"`usher flow-run watch %s` waits for it", run.Name)
	}
	if run.DeploymentID == nil {
		return cli.Fail(cli.Refused, fmt.Sprintf("flow run %q has no deployment, so no worker can take it", run.Name),
			"Prefect's own `prefect flow-run retry %s --entrypoint file.py:flow` runs it in its process", run.ID)
	}
	result, err := c.SetFlowRunState(ctx, run.ID, &api.SetFlowRunStateRequest{
		State: api.StateCreate{Type: api.StateTypeScheduled, Name: api.Some("AwaitingRetry"), Message: api.Some("Retried from the command line."), StateDetails: now(o.env)},
		Force: api.Some(true),
	})
	if err != nil {
		return err
	}
	if result.Status != api.SetStateStatusAccept {
		return cli.Fail(cli.Refused, fmt.Sprintf("flow run %q can't be retried: %s", run.Name, reason(result)), "")
	}
	o.env.Sayf("Flow run %q is scheduled once more. `usher flow-run watch %s` watches it.", run.Name, run.ID)
	return nil
}

// now are the details of a state that is due at once.
func now(env *cli.Env) api.Opt[api.StateDetails] {
	return api.Some(api.StateDetails{ScheduledTime: api.AtPtr(env.Now())})
}
