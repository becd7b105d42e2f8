package taskrun

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/output"
)

type logsOptions struct {
	env    *cli.Env
	output output.Options
	id     string
	logs   follow.Selection
}

func newLogsCmd(env *cli.Env) *cobra.Command {
	opts := &logsOptions{env: env}
	cmd := &cobra.Command{
		Use:     "logs",
		Short:   "show what a task run logged: its first 20 lines, or as many as wanted",
		Example: "usher task-run logs extract-0\nusher task-run logs extract-0 --num-logs 0",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, runArgument(env, &opts.id))
	opts.logs.Flags(cmd.Flags(), 20)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Log]())
	return cmd
}

func (o *logsOptions) run(ctx context.Context) error {
	if err := o.logs.Check(); err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	task, err := find.TaskRun(ctx, c, o.id)
	if err != nil {
		return err
	}
	logs, err := o.logs.Read(ctx, c, &api.LogFilter{TaskRunID: &api.LogFilterTaskRunId{Any: []uuid.UUID{task.ID}}})
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if printer.Structured() {
		return printer.Value(logs)
	}
	prefix := fmt.Sprintf("Task run '%s' - ", task.Name)
	lines := follow.Lines{Printer: printer, Now: o.env.Now, Prefix: func(*api.Log) string { return prefix }}
	return printer.Paged(ctx, func() error { return lines.Print(logs) })
}
