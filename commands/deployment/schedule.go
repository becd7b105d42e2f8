package deployment

import (
	"context"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

func newScheduleCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("schedule", "run a deployment at set times", []string{"schedules"}, func() []*cobra.Command {
		return []*cobra.Command{
			newScheduleListCmd(env),
			newScheduleCreateCmd(env),
			newScheduleDeleteCmd(env),
			newScheduleClearCmd(env),
			newScheduleToggleCmd(env, false),
			newScheduleToggleCmd(env, true),
		}
	})
	cmd.Example = "usher deployment schedule create etl/nightly --cron '0 3 * * *' --timezone Europe/Berlin\nusher deployment schedule ls etl/nightly"
	return cmd
}

// scheduleOptions are those of a verb about the schedules of a deployment.
type scheduleOptions struct {
	env  *cli.Env
	name string
	id   string
	yes  bool

	output output.Options
}

// resultFlags are those of a verb that changes schedules.
func (o *scheduleOptions) resultFlags(cmd *cobra.Command) {
	cli.ResultFlags(cmd, &o.output, output.FieldsOf[api.DeploymentSchedule]())
}

func (o *scheduleOptions) deploymentArgument(required bool) cli.Positional {
	return cli.Positional{Name: "deployment_name", Value: &o.name, Required: required, Complete: o.env.Complete(find.Deployments)}
}

func (o *scheduleOptions) idArgument(required bool) cli.Positional {
	return cli.Positional{Name: "schedule_id", Value: &o.id, Required: required}
}

// yesFlag is --yes with the reference's name for it.
func (o *scheduleOptions) yesFlag(cmd *cobra.Command) {
	cli.YesFlag(cmd, &o.yes)
	cmd.Flags().BoolVar(&o.yes, "accept-yes", false, "")
	cmd.Flags().Lookup("accept-yes").Hidden = true
}

// deployment finds the deployment, and with an id the schedule.
func (o *scheduleOptions) deployment(ctx context.Context) (*client.Client, *api.DeploymentResponse, error) {
	c, err := o.env.Client()
	if err != nil {
		return nil, nil, err
	}
	d, err := find.Deployment(ctx, c, o.name)
	return c, d, err
}

// schedule finds the schedule: by its id, or by its slug.
func (o *scheduleOptions) schedule(d *api.DeploymentResponse) (*api.DeploymentSchedule, error) {
	var ids []string
	for i := range d.Schedules {
		s := &d.Schedules[i]
		if s.ID.String() == o.id || output.Text(s.Slug) == o.id {
			return s, nil
		}
		ids = append(ids, s.ID.String())
	}
	return nil, cli.NotFound("schedule of "+strconv.Quote(d.Name), o.id, ids)
}

func newScheduleListCmd(env *cli.Env) *cobra.Command {
	opts := &scheduleOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the schedules of a deployment",
		Example: "usher deployment schedule ls etl/nightly",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.list(cmd.Context()) },
	}
	cli.Positionals(cmd, opts.deploymentArgument(true))
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.DeploymentSchedule]())
	return cmd
}

func (o *scheduleOptions) list(ctx context.Context) error {
	_, d, err := o.deployment(ctx)
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if printer.Structured() {
		return o.printJSON(printer, d)
	}
	if len(d.Schedules) == 0 {
		o.env.Sayf("Deployment %q has no schedules.", d.Name)
	}
	return output.List(printer, d.Schedules, []output.Column[api.DeploymentSchedule]{
		{Name: "ID", Value: func(s api.DeploymentSchedule) string { return s.ID.String() }, Whole: true},
		{Name: "Schedule", Value: func(s api.DeploymentSchedule) string { return describe(s.Schedule) }, Tone: func(api.DeploymentSchedule) output.Tone { return output.Strong }, Whole: true},
		output.SwitchColumn("Active", func(s api.DeploymentSchedule) bool { return s.Active }),
		{Name: "Policy", Value: func(s api.DeploymentSchedule) string { return describePolicy(s.Policy) }, Rank: 1},
	})
}

// printJSON prints the schedules with the times in words, as the reference does.
func (o *scheduleOptions) printJSON(printer *output.Printer, d *api.DeploymentResponse) error {
	list := make([]api.DeploymentSchedule, len(d.Schedules))
	for i, s := range d.Schedules {
		text, err := json.Marshal(describe(s.Schedule))
		if err != nil {
			return fmt.Errorf("write the schedule: %w", err)
		}
		s.Schedule = text
		list[i] = s
	}
	return printer.Value(list)
}
