package deployment

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// scheduleToggleOptions are those of pause and resume.
type scheduleToggleOptions struct {
	scheduleOptions

	all  bool
	on   bool
	done string // what is done then: paused, resumed
}

func newScheduleToggleCmd(env *cli.Env, on bool) *cobra.Command {
	opts := &scheduleToggleOptions{scheduleOptions: scheduleOptions{env: env}, on: on, done: "paused"}
	verb, short := "pause", "let a schedule make no runs"
	if on {
		verb, short, opts.done = "resume", "let a schedule make runs again", "resumed"
	}
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: "usher deployment schedule " + verb + " etl/nightly at-three\nusher deployment schedule " + verb + " --all --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, opts.deploymentArgument(false), opts.idArgument(false))
	cmd.Flags().BoolVar(&opts.all, "all", false, "every schedule of every deployment")
	cli.YesFlag(cmd, &opts.yes)
	opts.resultFlags(cmd)
	return cmd
}

func (o *scheduleToggleOptions) run(ctx context.Context) error {
	if o.all {
		if o.name+o.id != "" {
			return cli.Usagef("--all means every schedule: leave out the deployment")
		}
		return o.every(ctx)
	}
	if o.name == "" || o.id == "" {
		return cli.Usagef("say which schedule: the deployment and the schedule's id, or --all")
	}
	c, d, err := o.deployment(ctx)
	if err != nil {
		return err
	}
	s, err := o.schedule(d)
	if err != nil {
		return err
	}
	if s.Active == o.on {
		return cli.Fail(cli.Refused, fmt.Sprintf("schedule %s is %s already", s.ID, o.done), "")
	}
	if err := o.set(ctx, c, d, s); err != nil {
		return err
	}
	return cli.Results(o.env, o.output, []api.DeploymentSchedule{*s}, "%s: %s is %s.", d.Name, describe(s.Schedule), o.done)
}

func (o *scheduleToggleOptions) set(ctx context.Context, c *client.Client, d *api.DeploymentResponse, s *api.DeploymentSchedule) error {
	if err := c.UpdateDeploymentSchedule(ctx, d.ID, s.ID, &api.DeploymentScheduleUpdate{Active: api.Some(o.on)}); err != nil {
		return err
	}
	s.Active = o.on
	return nil
}

func (o *scheduleToggleOptions) every(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	list, err := find.Pages(0, func(offset, limit int) ([]api.DeploymentResponse, error) {
		return c.ReadDeployments(ctx, &api.ReadDeploymentsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	})
	if err != nil {
		return err
	}
	count := o.count(list)
	if count == 0 {
		return cli.Results(o.env, o.output, []api.DeploymentSchedule{}, "No schedule has to be %s.", o.done)
	}
	if err := o.env.Confirm(ctx, o.yes, "This makes %d schedules %s. Go ahead?", count, o.done); err != nil {
		return err
	}
	changed := make([]api.DeploymentSchedule, 0, count)
	err = o.each(list, func(d *api.DeploymentResponse, s *api.DeploymentSchedule) error {
		if err := o.set(ctx, c, d, s); err != nil {
			return err
		}
		changed = append(changed, *s)
		return nil
	})
	if err != nil {
		return err
	}
	return cli.Results(o.env, o.output, changed, "%d schedules are %s.", count, o.done)
}

func (o *scheduleToggleOptions) count(list []api.DeploymentResponse) (n int) {
	for _, d := range list {
		for _, s := range d.Schedules {
			if s.Active != o.on {
				n++
			}
		}
	}
	return n
}

// each calls do with every schedule that is not as wanted.
func (o *scheduleToggleOptions) each(list []api.DeploymentResponse, do func(*api.DeploymentResponse, *api.DeploymentSchedule) error) error {
	for i := range list {
		for j := range list[i].Schedules {
			s := &list[i].Schedules[j]
			if s.Active == o.on {
				continue
			}
			if err := do(&list[i], s); err != nil {
				return err
			}
		}
	}
	return nil
}
