package deployment

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/rules/moment"
)

type scheduleCreateOptions struct {
	scheduleOptions

	interval float64
	anchor   string
	rrule    string
	cron     string
	dayOr    bool
	timezone string
	active   bool
	replace  bool
	policy   policyOptions
}

func newScheduleCreateCmd(env *cli.Env) *cobra.Command {
	opts := &scheduleCreateOptions{scheduleOptions: scheduleOptions{env: env}}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "give a deployment a schedule",
		Example: "usher deployment schedule create etl/nightly --cron '0 3 * * *' --timezone Europe/Berlin\n" +
			"usher deployment schedule create etl/nightly --interval 3600 --replace --yes\n" +
			"usher deployment schedule create etl/nightly --cron '0 * * * *' --catch-up latest --overlap skip --jitter 5m --blackout 2026-12-24..2027-01-02",
		RunE: func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	argument := opts.deploymentArgument(true)
	argument.Name = "name"
	cli.Positionals(cmd, argument)
	flags := cmd.Flags()
	flags.Float64Var(&opts.interval, "interval", 0, "run every so many `seconds`")
	flags.StringVar(&opts.anchor, "anchor-date", "", "a `time` that the intervals are counted from")
	flags.StringVar(&opts.rrule, "rrule", "", "run as this recurrence `rule` of iCalendar says")
	flags.StringVar(&opts.cron, "cron", "", "run as this cron `line` says")
	flags.BoolVar(&opts.dayOr, "day_or", true, "with a day of the month and one of the week in --cron: either will do")
	flags.StringVar(&opts.timezone, "timezone", "", "the time `zone`: Europe/Berlin")
	flags.BoolVar(&opts.active, "active", true, "make runs at once")
	flags.BoolVar(&opts.replace, "replace", false, "remove the deployment's other schedules")
	opts.policy.flags(flags)
	opts.yesFlag(cmd)
	opts.resultFlags(cmd)
	return cmd
}

func (o *scheduleCreateOptions) run(cmd *cobra.Command) error {
	schedule, err := o.schedule(cmd.Flags().Changed("interval"))
	if err != nil {
		return err
	}
	policy, err := o.policy.policy(o.env.Now(), o.timezone)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	c, d, err := o.deployment(ctx)
	if err != nil {
		return err
	}
	if o.replace && len(d.Schedules) > 0 {
		if err := o.env.ConfirmAlways(ctx, o.yes, "Replace the %d schedules of deployment %q?", len(d.Schedules), d.Name); err != nil {
			return err
		}
	}
	made, err := c.CreateDeploymentSchedules(ctx, d.ID, []api.DeploymentScheduleCreate{{Schedule: schedule, Active: api.Some(o.active), Policy: policy}})
	if err != nil {
		return err
	}
	if o.replace {
		for _, old := range d.Schedules {
			if err := c.DeleteDeploymentSchedule(ctx, d.ID, old.ID); err != nil && api.CodeOf(err) != api.CodeNotFound {
				return err
			}
		}
	}
	words := make([]string, len(made))
	for i, s := range made {
		words[i] = fmt.Sprintf("Created schedule %s: %s.", s.ID, describe(s.Schedule))
	}
	return cli.Results(o.env, o.output, made, "%s", strings.Join(words, "\n"))
}

// schedule is the schedule of the flags in the form of the API, which checks it.
func (o *scheduleCreateOptions) schedule(byInterval bool) (jsontext.Value, error) {
	given := 0
	for _, is := range []bool{byInterval, o.cron != "", o.rrule != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, cli.Usagef("say exactly one of --interval, --cron and --rrule")
	}
	if o.anchor != "" && !byInterval {
		return nil, cli.Usagef("--anchor-date goes with --interval only")
	}
	members := map[string]any{}
	switch {
	case byInterval:
		members["interval"] = o.interval
		if err := o.addAnchor(members); err != nil {
			return nil, err
		}
	case o.cron != "":
		members["cron"], members["day_or"] = o.cron, o.dayOr
	default:
		if err := o.addRule(members); err != nil {
			return nil, err
		}
	}
	if o.timezone != "" {
		members["timezone"] = o.timezone
	}
	text, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write the schedule: %w", err)
	}
	return text, nil
}

// addAnchor adds the date that intervals are counted from: now unless one is given.
func (o *scheduleCreateOptions) addAnchor(members map[string]any) error {
	at := o.env.Now()
	if o.anchor != "" {
		var ok bool
		if at, ok = moment.Parse(o.anchor, at); !ok {
			return cli.Usagef("--anchor-date %q is not a time", o.anchor).WithHint("say it like '2026-01-31 08:00'")
		}
	}
	members["anchor_date"] = api.At(at)
	return nil
}

// addRule adds a recurrence rule: the rule itself or an object of rule and time zone.
func (o *scheduleCreateOptions) addRule(members map[string]any) error {
	members["rrule"] = o.rrule
	if strings.HasPrefix(strings.TrimSpace(o.rrule), "{") {
		value, err := document.ReadJSON("--rrule", o.rrule)
		if err == nil {
			err = json.Unmarshal(value, &members)
		}
		if err != nil {
			return cli.Usagef("%s", err)
		}
	}
	if rule, _ := members["rrule"].(string); strings.Contains(rule, "TZID") && o.timezone == "" && members["timezone"] == nil {
		return cli.Usagef("--rrule names a time zone (TZID), which is not part of the rule here").WithHint("leave it out and say --timezone")
	}
	return nil
}

func newScheduleDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &scheduleOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove a schedule of a deployment",
		Example: "usher deployment schedule delete etl/nightly at-three --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.delete(cmd.Context()) },
	}
	cli.Positionals(cmd, opts.deploymentArgument(true), opts.idArgument(true))
	opts.yesFlag(cmd)
	opts.resultFlags(cmd)
	return cmd
}

func (o *scheduleOptions) delete(ctx context.Context) error {
	c, d, err := o.deployment(ctx)
	if err != nil {
		return err
	}
	s, err := o.schedule(d)
	if err != nil {
		return err
	}
	if err := o.env.ConfirmAlways(ctx, o.yes, "Delete schedule %s (%s)?", s.ID, describe(s.Schedule)); err != nil {
		return err
	}
	if err := c.DeleteDeploymentSchedule(ctx, d.ID, s.ID); err != nil {
		return err
	}
	return cli.Results(o.env, o.output, []api.DeploymentSchedule{*s}, "Deleted schedule %s.", s.ID)
}

func newScheduleClearCmd(env *cli.Env) *cobra.Command {
	opts := &scheduleOptions{env: env}
	cmd := &cobra.Command{
		Use:     "clear",
		Short:   "remove all schedules of a deployment",
		Example: "usher deployment schedule clear etl/nightly --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.clear(cmd.Context()) },
	}
	cli.Positionals(cmd, opts.deploymentArgument(true))
	opts.yesFlag(cmd)
	opts.resultFlags(cmd)
	return cmd
}

func (o *scheduleOptions) clear(ctx context.Context) error {
	c, d, err := o.deployment(ctx)
	if err != nil {
		return err
	}
	if err := o.env.ConfirmAlways(ctx, o.yes, "Delete all %d schedules of deployment %q?", len(d.Schedules), d.Name); err != nil {
		return err
	}
	for _, s := range d.Schedules {
		if err := c.DeleteDeploymentSchedule(ctx, d.ID, s.ID); err != nil && api.CodeOf(err) != api.CodeNotFound {
			return err
		}
	}
	return cli.Results(o.env, o.output, d.Schedules, "Deleted the %d schedules of deployment %q.", len(d.Schedules), d.Name)
}
