package flowrun

import (
	"context"
	"strconv"
	"strings"
	"time"

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
		Short:   "show a flow run",
		Example: "usher flow-run inspect curious-badger\nusher flow-run inspect curious-badger --jq .parameters",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, runArgument(env, &opts.id))
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.FlowRunResponse]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	run, err := find.FlowRun(ctx, c, o.id)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, "/runs/flow-run/"+run.ID.String())
	}
	printer := o.env.Printer(o.output)
	if printer.Structured() {
		return printer.Value(run)
	}
	list, err := rows(ctx, c, []api.FlowRunResponse{*run})
	if err != nil {
		return err
	}
	return output.Detail(printer, list[0], properties())
}

func properties() []output.Column[row] {
	text := func(name string, value func(r row) string) output.Column[row] {
		return output.Column[row]{Name: name, Value: value}
	}
	at := func(name string, value func(r row) *api.Time) output.Column[row] {
		return output.Column[row]{
			Name: name, Value: func(r row) string { return output.Stamp(value(r)) },
			Human: func(r row, now time.Time) string { return output.TimePtr(now, value(r)) },
		}
	}
	return []output.Column[row]{
		{Name: "Name", Value: func(r row) string { return r.Name }, Tone: func(row) output.Tone { return output.Strong }, Whole: true},
		{Name: "ID", Value: func(r row) string { return r.ID.String() }, Whole: true},
		text("Flow", func(r row) string { return r.flow }),
		stateColumn(),
		text("Message", message),
		text("Deployment", func(r row) string { return idText(r.DeploymentID) }),
		text("Work pool", func(r row) string { return output.Text(r.WorkPoolName) }),
		text("Work queue", func(r row) string { return output.Text(r.WorkQueueName) }),
		text("Parameters", func(r row) string { return output.Compact(r.Parameters) }),
		text("Job variables", func(r row) string { return output.Compact(r.JobVariables) }),
		text("Tags", func(r row) string { return strings.Join(r.Tags, ", ") }),
		at("Created", func(r row) *api.Time { return r.Created }),
		at("Expected", func(r row) *api.Time { return r.ExpectedStartTime }),
		at("Started", func(r row) *api.Time { return r.StartTime }),
		at("Ended", func(r row) *api.Time { return r.EndTime }),
		{Name: "Took", Value: seconds, Human: took},
		{Name: "Attempts", Value: func(r row) string { return strconv.Itoa(r.RunCount) }},
		text("Process", func(r row) string { return output.Text(r.InfrastructurePID) }),
	}
}

func message(r row) string {
	if r.State == nil {
		return ""
	}
	return output.Text(r.State.Message)
}
