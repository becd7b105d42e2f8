package deployment

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type inspectOptions struct {
	env    *cli.Env
	output output.Options
	name   string
	web    bool
}

// details is a deployment as it is printed for programs: like the reference, with the
// automations that refer to it.
type details struct {
	api.DeploymentResponse

	Automations []api.Automation `json:"automations"`
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show a deployment",
		Example: "usher deployment inspect etl/nightly\nusher deployment inspect etl/nightly --jq .parameters",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[details]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, o.name)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, "/deployments/deployment/"+d.ID.String())
	}
	printer := o.env.Printer(o.output)
	if printer.Structured() {
		automations, err := related(ctx, c, d)
		if err != nil {
			return err
		}
		return printer.Value(details{DeploymentResponse: *d, Automations: automations})
	}
	list, err := rows(ctx, c, []api.DeploymentResponse{*d})
	if err != nil {
		return err
	}
	return output.Detail(printer, list[0], properties())
}

// related reads the automations of a deployment; a server without automations has none.
func related(ctx context.Context, c *client.Client, d *api.DeploymentResponse) ([]api.Automation, error) {
	automations, err := c.ReadAutomationsRelatedToResource(ctx, "prefect.deployment."+d.ID.String())
	if code := api.CodeOf(err); code == api.CodeNotFound || code == api.CodeUnsupported {
		return []api.Automation{}, nil
	}
	return automations, err
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
		{Name: "Name", Value: func(r row) string { return r.name }, Tone: func(row) output.Tone { return output.Strong }, Whole: true},
		{Name: "ID", Value: func(r row) string { return r.ID.String() }, Whole: true},
		output.StatusColumn(status),
		text("Description", func(r row) string { return output.Text(r.Description) }),
		text("Version", func(r row) string { return output.Text(r.Version) }),
		text("Tags", func(r row) string { return strings.Join(r.Tags, ", ") }),
		text("Entrypoint", func(r row) string { return output.Text(r.Entrypoint) }),
		text("Path", func(r row) string { return output.Text(r.Path) }),
		text("Work pool", func(r row) string { return output.Text(r.WorkPoolName) }),
		text("Work queue", func(r row) string { return output.Text(r.WorkQueueName) }),
		text("Parameters", func(r row) string { return output.Compact(r.Parameters) }),
		text("Job variables", func(r row) string { return output.Compact(r.JobVariables) }),
		text("Schedules", schedules),
		text("Concurrency limit", concurrency),
		at("Created", func(r row) *api.Time { return r.Created }),
		at("Updated", func(r row) *api.Time { return r.Updated }),
		at("Last polled", func(r row) *api.Time { return r.LastPolled }),
	}
}

func concurrency(r row) string {
	if r.GlobalConcurrencyLimit == nil {
		return ""
	}
	return output.Number(&r.GlobalConcurrencyLimit.Limit)
}

func schedules(r row) string {
	lines := make([]string, len(r.Schedules))
	for i, s := range r.Schedules {
		lines[i] = describe(s.Schedule)
		if policy := describePolicy(s.Policy); policy != "" {
			lines[i] += ", " + policy
		}
		if !s.Active {
			lines[i] += " (paused)"
		}
	}
	return strings.Join(lines, "\n")
}
