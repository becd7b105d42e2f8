package deployment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/rules/moment"
	"github.com/usherhq/usher/internal/rules/schedule"
)

type backfillOptions struct {
	env      *cli.Env
	output   output.Options
	name     string
	from, to string
	limit    int
	dryRun   bool
	yes      bool
}

// missed is a run that a schedule asks for.
type missed struct {
	At       time.Time `json:"time"`
	Schedule string    `json:"schedule"`
}

func newBackfillCmd(env *cli.Env) *cobra.Command {
	opts := &backfillOptions{env: env}
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "make the runs that schedules missed",
		Long:  "Makes the runs that the deployment's active schedules ask for in a span of time, except those that there are: doing it twice does nothing. Blackouts, jitter, start and end dates of a schedule hold.",
		Example: "usher deployment backfill etl/nightly --from 2026-01-01 --to 2026-01-08 --dry-run\n" +
			"usher deployment backfill etl/nightly --from 2026-01-01 --to 2026-01-08 --yes",
		RunE: func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	flags := cmd.Flags()
	flags.StringVar(&opts.from, "from", "", "the first `time` that counts")
	flags.StringVar(&opts.to, "to", "", "the last `time` that counts (default now)")
	flags.IntVar(&opts.limit, "limit", 1000, "make at most this many runs, the earliest first")
	flags.BoolVar(&opts.dryRun, "dry-run", false, "list the times and make nothing")
	cli.YesFlag(cmd, &opts.yes)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[missed]())
	return cmd
}

func (o *backfillOptions) run(ctx context.Context) error {
	from, to, err := o.span()
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, o.name)
	if err != nil {
		return err
	}
	runs, err := missedRuns(d, from, to, o.limit)
	switch {
	case err != nil:
		return err
	case o.dryRun:
		o.env.Sayf("The schedules of deployment %q ask for %d runs.", d.Name, len(runs))
		return output.List(o.env.Printer(o.output), runs, missedColumns())
	case len(runs) == 0:
		o.env.Sayf("The schedules of deployment %q ask for no run in that time.", d.Name)
		return nil
	}
	if err := o.env.ConfirmAlways(ctx, o.yes, "Make the up to %d runs of deployment %q that are missing?", len(runs), d.Name); err != nil {
		return err
	}
	made, err := backfill(ctx, c, d.ID, runs)
	if err != nil {
		return err
	}
	o.env.Sayf("Made %d runs of deployment %q; %d were there already.", made, d.Name, len(runs)-made)
	return nil
}

// span reads the times of the flags.
func (o *backfillOptions) span() (from, to time.Time, err error) {
	now := o.env.Now()
	if o.from == "" {
		return from, to, cli.Usagef("say from when on with --from").WithHint("usher deployment backfill etl/nightly --from 2026-01-01 --dry-run")
	}
	if o.limit < 1 {
		return from, to, cli.Usagef("--limit must be 1 or more")
	}
	if from, err = instant("--from", o.from, now); err != nil {
		return from, to, err
	}
	if to = now; o.to != "" {
		to, err = instant("--to", o.to, now)
	}
	if err == nil && to.Before(from) {
		err = cli.Usagef("--to lies before --from")
	}
	return from, to, err
}

func instant(flag, text string, now time.Time) (time.Time, error) {
	at, ok := moment.Parse(text, now)
	if !ok {
		return at, cli.Usagef("%s %q is not a time", flag, text).WithHint("say it like '2026-01-31 08:00'")
	}
	return at, nil
}

// missedRuns are the runs that active schedules ask for, the earliest first; runs of one
// time are all among them or none.
func missedRuns(d *api.DeploymentResponse, from, to time.Time, limit int) ([]missed, error) {
	runs := []missed{}
	for _, s := range d.Schedules {
		if !s.Active {
			continue
		}
		times, err := schedule.Parse(s.Schedule)
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", s.ID, err)
		}
		policy, err := schedule.ParsePolicy(s.Policy)
		if err != nil {
			return nil, fmt.Errorf("the policy of schedule %s: %w", s.ID, err)
		}
		for _, m := range policy.Times(times, s.ID, from, to, limit*len(d.Schedules)+1) {
			runs = append(runs, missed{m.Start.UTC(), describe(s.Schedule)})
		}
	}
	slices.SortStableFunc(runs, func(a, b missed) int { return a.At.Compare(b.At) })
	cut := min(limit, len(runs))
	for cut > 0 && cut < len(runs) && runs[cut].At.Equal(runs[cut-1].At) {
		cut--
	}
	return runs[:cut], nil
}

// backfillChunk is how many runs are made with one request.
const backfillChunk = 100

// backfill makes runs and says how many were not there yet.
func backfill(ctx context.Context, c *client.Client, deployment uuid.UUID, runs []missed) (int, error) {
	first, last := runs[0].At, runs[len(runs)-1].At
	before, err := countBetween(ctx, c, deployment, first, last)
	if err != nil {
		return 0, err
	}
	for chunk := range slices.Chunk(runs, backfillChunk) {
		start, end := chunk[0].At, chunk[len(chunk)-1].At
		_, err := c.ScheduleDeployment(ctx, deployment, &api.ScheduleDeploymentRequest{
			StartTime: api.Some(api.At(start)), EndTime: api.Some(api.At(end)), MinTime: api.Some(api.Float(end.Sub(start).Seconds())),
			MinRuns: api.Some(len(chunk)), MaxRuns: api.Some(len(chunk)),
		})
		if err != nil {
			return 0, err
		}
	}
	after, err := countBetween(ctx, c, deployment, first, last)
	return after - before, err
}

// countBetween counts the runs of a deployment that are expected between two times.
func countBetween(ctx context.Context, c *client.Client, deployment uuid.UUID, first, last time.Time) (int, error) {
	from, to := api.At(first), api.At(last)
	return c.CountFlowRuns(ctx, &api.CountFlowRunsRequest{FlowRuns: &api.FlowRunFilter{
		DeploymentID:      &api.FlowRunFilterDeploymentId{Any: []uuid.UUID{deployment}},
		ExpectedStartTime: &api.Span{After: &from, Before: &to},
	}})
}

func missedColumns() []output.Column[missed] {
	return []output.Column[missed]{
		{Name: "Time", Value: func(m missed) string { return m.At.Format(time.RFC3339) }, Tone: func(missed) output.Tone { return output.Strong }},
		{Name: "Schedule", Value: func(m missed) string { return m.Schedule }},
	}
}
