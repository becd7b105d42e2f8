package deployment

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type historyOptions struct {
	env    *cli.Env
	output output.Options
	name   string
	limit  int
}

func newHistoryCmd(env *cli.Env) *cobra.Command {
	opts := &historyOptions{env: env}
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "show the last runs of a deployment, and whether they get slower",
		Example: "usher deployment history etl/nightly --limit 10",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	cmd.Flags().IntVar(&opts.limit, "limit", 20, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.FlowRunResponse]())
	return cmd
}

func (o *historyOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, o.name)
	if err != nil {
		return err
	}
	now := api.AtPtr(o.env.Now())
	runs, err := find.Pages(o.limit, func(offset, limit int) ([]api.FlowRunResponse, error) {
		return c.ReadFlowRuns(ctx, &api.ReadFlowRunsRequest{
			FlowRuns: &api.FlowRunFilter{
				DeploymentID:      &api.FlowRunFilterDeploymentId{Any: []uuid.UUID{d.ID}},
				ExpectedStartTime: &api.Span{Before: now},
			},
			Sort: api.Some(api.FlowRunSortExpectedStartTimeDesc), Offset: api.Some(offset), Limit: api.Some(limit),
		})
	})
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if len(runs) == 0 && !printer.Structured() {
		o.env.Say("The deployment has had no runs yet.")
	}
	if printer.ForPeople() && len(runs) > 0 {
		if err := o.summary(printer, runs); err != nil {
			return err
		}
	}
	return output.List(printer, runs, historyColumns())
}

// summary draws how long the runs took, the oldest first, in the colours of their states.
func (o *historyOptions) summary(printer *output.Printer, runs []api.FlowRunResponse) error {
	seconds := make([]float64, len(runs))
	for i := range runs {
		if seconds[i] = -1; runs[i].StartTime != nil {
			seconds[i] = elapsed(&runs[i], o.env.Now()).Seconds()
		}
	}
	slices.Reverse(seconds)
	line := ""
	for i, block := range []rune(output.Sparkline(seconds)) {
		line += printer.Paint(string(block), tone(runs[len(runs)-1-i]))
	}
	return printer.Line(line)
}

func elapsed(run *api.FlowRunResponse, now time.Time) time.Duration {
	if run.EndTime != nil {
		now = run.EndTime.Time
	}
	return now.Sub(run.StartTime.Time)
}

func tone(run api.FlowRunResponse) output.Tone {
	if run.StateType == nil {
		return output.Plain
	}
	return output.StateTone(*run.StateType)
}

func historyColumns() []output.Column[api.FlowRunResponse] {
	return []output.Column[api.FlowRunResponse]{
		{Name: "ID", Value: func(r api.FlowRunResponse) string { return r.ID.String() }, Whole: true, Rank: 2},
		{Name: "Name", Value: func(r api.FlowRunResponse) string { return r.Name }, Whole: true},
		output.StateColumn(func(r api.FlowRunResponse) (*api.StateType, *string) { return r.StateType, r.StateName }),
		{
			Name: "Started", Value: func(r api.FlowRunResponse) string { return output.Stamp(r.StartTime) },
			Human: func(r api.FlowRunResponse, now time.Time) string { return output.AgoPtr(now, r.StartTime) },
		},
		{
			Name: "Ended", Value: func(r api.FlowRunResponse) string { return output.Stamp(r.EndTime) }, Rank: 3,
			Human: func(r api.FlowRunResponse, now time.Time) string { return output.AgoPtr(now, r.EndTime) },
		},
		{Name: "Took", Value: took, Human: humanTook, Right: true},
		{Name: "Version", Value: func(r api.FlowRunResponse) string { return output.Text(r.DeploymentVersion) }, Whole: true, Rank: 1},
	}
}

func took(r api.FlowRunResponse) string {
	if r.StartTime == nil || r.EndTime == nil {
		return ""
	}
	return elapsed(&r, time.Time{}).String()
}

func humanTook(r api.FlowRunResponse, now time.Time) string {
	if r.StartTime == nil {
		return ""
	}
	return output.Duration(elapsed(&r, now))
}
