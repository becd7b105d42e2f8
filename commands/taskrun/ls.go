package taskrun

import (
	"context"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	env     *cli.Env
	output  output.Options
	names   []string
	flowRun string
	states  []string
	types   []string
	limit   int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list task runs, the newest first",
		Example: "usher task-run ls\nusher task-run ls --flow-run curious-badger\nusher task-run ls --state Failed --json id,name",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&opts.names, "task-run-name", nil, "only runs of this `name`; repeatable")
	flags.StringVar(&opts.flowRun, "flow-run", "", "only tasks of this flow run: its name or `id`")
	flags.StringArrayVar(&opts.states, "state", nil, "only runs in the state of this `name`; repeatable")
	flags.StringArrayVar(&opts.types, "state-type", nil, "only runs in a state of this `type`; repeatable")
	flags.IntVar(&opts.limit, "limit", 15, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.TaskRun]())
	_ = cmd.RegisterFlagCompletionFunc("flow-run", env.Complete(find.FlowRuns)) // the flags are there
	_ = cmd.RegisterFlagCompletionFunc("state-type", cobra.FixedCompletions(api.StateType("").Values(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	request := &api.ReadTaskRunsRequest{Sort: api.Some(api.TaskRunSortExpectedStartTimeDesc)}
	if request.TaskRuns, err = o.filter(); err != nil {
		return err
	}
	if o.flowRun != "" {
		run, err := find.FlowRun(ctx, c, o.flowRun)
		if err != nil {
			return err
		}
		request.TaskRuns.FlowRunID = &api.TaskRunFilterFlowRunId{Any: []uuid.UUID{run.ID}}
	}
	return find.List(o.env, o.output, columns(), "No task runs found.", o.limit, func(offset, limit int) ([]api.TaskRun, error) {
		request.Offset, request.Limit = api.Some(offset), api.Some(limit)
		return c.ReadTaskRuns(ctx, request)
	})
}

func (o *listOptions) filter() (*api.TaskRunFilter, error) {
	f := &api.TaskRunFilter{}
	if len(o.names) > 0 {
		f.Name = &api.Match[string]{Any: o.names}
	}
	types, err := find.StateTypes(o.types)
	if err != nil || len(o.states)+len(types) == 0 {
		return f, err
	}
	f.State = &api.TaskRunFilterState{}
	if len(o.states) > 0 {
		f.State.Name = &api.Match[string]{Any: find.StateNames(o.env, o.states)}
	}
	if len(types) > 0 {
		f.State.Type = &api.Match[api.StateType]{Any: types}
	}
	return f, nil
}
