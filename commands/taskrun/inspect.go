package taskrun

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type inspectOptions struct {
	env    *cli.Env
	output output.Options
	id     string
	web    bool
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show a task run",
		Example: "usher task-run inspect extract-0\nusher task-run inspect extract-0 --jq .state",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, runArgument(env, &opts.id))
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.TaskRun]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	task, err := find.TaskRun(ctx, c, o.id)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, "/runs/task-run/"+task.ID.String())
	}
	return output.Detail(o.env.Printer(o.output), *task, properties())
}

func properties() []output.Column[api.TaskRun] {
	text := func(name string, value func(t api.TaskRun) string) output.Column[api.TaskRun] {
		return output.Column[api.TaskRun]{Name: name, Value: value}
	}
	at := func(name string, value func(t api.TaskRun) *api.Time) output.Column[api.TaskRun] {
		return output.Column[api.TaskRun]{
			Name: name, Value: func(t api.TaskRun) string { return output.Stamp(value(t)) },
			Human: func(t api.TaskRun, now time.Time) string { return output.TimePtr(now, value(t)) },
		}
	}
	return []output.Column[api.TaskRun]{
		{Name: "Name", Value: func(t api.TaskRun) string { return t.Name }, Tone: func(api.TaskRun) output.Tone { return output.Strong }},
		{Name: "ID", Value: func(t api.TaskRun) string { return t.ID.String() }, Whole: true},
		text("Task", func(t api.TaskRun) string { return t.TaskKey }),
		text("Flow run", func(t api.TaskRun) string { return idText(t.FlowRunID) }),
		stateColumn(),
		text("Message", message),
		text("Inputs", func(t api.TaskRun) string { return output.Compact(t.TaskInputs) }),
		text("Tags", func(t api.TaskRun) string { return strings.Join(t.Tags, ", ") }),
		text("Cache key", func(t api.TaskRun) string { return output.Text(t.CacheKey) }),
		at("Created", func(t api.TaskRun) *api.Time { return t.Created }),
		at("Started", func(t api.TaskRun) *api.Time { return t.StartTime }),
		at("Ended", func(t api.TaskRun) *api.Time { return t.EndTime }),
		{Name: "Took", Value: seconds, Human: took},
		text("Attempts", func(t api.TaskRun) string { return strconv.Itoa(t.RunCount) }),
	}
}

func message(t api.TaskRun) string {
	if t.State == nil {
		return ""
	}
	return output.Text(t.State.Message)
}

func idText(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}
