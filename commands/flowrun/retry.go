package flowrun

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/sdk"
)

type retryOptions struct {
	env        *cli.Env
	id         string
	entrypoint string
	output     output.Options
	handover   *sdk.Handover
}

func newRetryCmd(env *cli.Env) *cobra.Command {
	opts := &retryOptions{env: env}
	cmd := &cobra.Command{
		Use:   "retry",
		Short: "run a flow run that has ended once more",
		Long: "The run keeps its id, its parameters and the results of its tasks. A run of a deployment is taken by its workers. One without " +
			"a deployment runs in the foreground, in the Python that has prefect, and needs --entrypoint; the exit code is then 0 for " +
			"a run that completed and 1 for one that did not.",
		Example: "usher flow-run retry curious-badger\nusher flow-run retry swift-otter --entrypoint flows.py:etl",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "id_or_name", Value: &opts.id, Required: true, Complete: env.Complete(find.FlowRuns)})
	cmd.Flags().StringVarP(&opts.entrypoint, "entrypoint", "e", "", "the `file.py:flow` of a run without a deployment")
	opts.handover = sdk.Define(cmd, env)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.FlowRunResponse]())
	return cmd
}

func (o *retryOptions) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	run, err := find.OneFlowRun(ctx, c, o.id)
	if err != nil {
		return err
	}
	if !follow.Ended(run) {
		return cli.Fail(cli.Refused, fmt.Sprintf("flow run %q is %s; only a run that has ended is retried", run.Name, output.Text(run.StateName)),
			"`usher flow-run watch %s` waits for it", run.Name)
	}
	if run.DeploymentID == nil {
		return o.here(cmd, run)
	}
	result, err := c.SetFlowRunState(ctx, run.ID, &api.SetFlowRunStateRequest{
		State: api.StateCreate{Type: api.StateTypeScheduled, Message: api.Some("Retried from the command line."), StateDetails: now(o.env)},
		Force: api.Some(true),
	})
	if err != nil {
		return err
	}
	if result.Status != api.SetStateStatusAccept {
		return cli.Fail(cli.Refused, fmt.Sprintf("flow run %q can't be retried: %s", run.Name, follow.Reason(result)), "")
	}
	return cli.ResultOf(o.env, o.output, func() (api.FlowRunResponse, error) { return c.ReadFlowRun(ctx, run.ID) },
		"Flow run %q is scheduled once more. `usher flow-run watch %s` watches it.", run.Name, run.ID)
}

// here runs a flow that no worker can take in the foreground: it has to be imported, which the
// user's Python does.
func (o *retryOptions) here(cmd *cobra.Command, run *api.FlowRunResponse) error {
	if o.entrypoint == "" {
		return cli.Fail(cli.Refused, fmt.Sprintf("flow run %q has no deployment, so no worker can take it", run.Name),
			"`usher flow-run retry %s --entrypoint file.py:flow` runs it here", run.ID)
	}
	if o.output.Structured() {
		return cli.Usagef("flow run %q has no deployment, so its flow runs here and prints what it likes: leave --output and its kind out", run.Name)
	}
	file, _, _ := strings.Cut(o.entrypoint, ":")
	return o.handover.Run(cmd.Context(), cmd, file, run.ID.String())
}

// now are the details of a state that is due at once.
func now(env *cli.Env) api.Opt[api.StateDetails] {
	return api.Some(api.StateDetails{ScheduledTime: api.AtPtr(env.Now())})
}
