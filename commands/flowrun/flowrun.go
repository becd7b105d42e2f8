// Package flowrun holds the commands about runs of flows.
package flowrun

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher flow-run.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("flow-run", "see, watch and stop runs of flows", []string{"flow-runs"}, func() []*cobra.Command {
		return []*cobra.Command{
			newListCmd(env),
			newInspectCmd(env),
			newLogsCmd(env),
			newWatchCmd(env),
			newTimelineCmd(env),
			newDiffCmd(env),
			newCancelCmd(env),
			newResumeCmd(env),
			newRetryCmd(env),
			newExecuteCmd(env),
			newTokensCmd(env),
			newDeleteCmd(env),
		}
	})
	cmd.Example = "usher flow-run ls --state Failed\nusher flow-run logs -f curious-badger\nusher flow-run cancel curious-badger"
	return cmd
}

// row is a flow run as it is listed.
type row struct {
	api.FlowRunResponse

	flow string
}

// rows adds the names of their flows to runs.
func rows(ctx context.Context, c *client.Client, runs []api.FlowRunResponse) ([]row, error) {
	flows := make([]uuid.UUID, len(runs))
	for i := range runs {
		flows[i] = runs[i].FlowID
	}
	names, err := find.FlowNames(ctx, c, flows)
	list := make([]row, len(runs))
	for i := range runs {
		list[i] = row{FlowRunResponse: runs[i], flow: names[runs[i].FlowID]}
	}
	return list, err
}

func columns() []output.Column[row] {
	return []output.Column[row]{
		{Name: "ID", Value: func(r row) string { return r.ID.String() }, Whole: true, Rank: 3},
		{Name: "Flow", Value: func(r row) string { return r.flow }, Rank: 1},
		{Name: "Name", Value: func(r row) string { return r.Name }, Tone: func(row) output.Tone { return output.Strong }, Whole: true},
		stateColumn(),
		{Name: "When", Value: func(r row) string { return output.Stamp(when(r)) }, Human: func(r row, now time.Time) string { return output.AgoPtr(now, when(r)) }},
		{Name: "Took", Value: func(r row) string { return seconds(r) }, Human: func(r row, now time.Time) string { return took(r, now) }, Rank: 4, Right: true},
	}
}

func stateColumn() output.Column[row] {
	return output.StateColumn(func(r row) (*api.StateType, *string) { return r.StateType, r.StateName })
}

// when is the time of a run's present state.
func when(r row) *api.Time {
	if r.State == nil {
		return r.ExpectedStartTime
	}
	if t := r.State.StateDetails.ScheduledTime; r.State.Type == api.StateTypeScheduled && t != nil {
		return t
	}
	return &r.State.Timestamp
}

func seconds(r row) string {
	if r.StartTime == nil {
		return ""
	}
	return strconv.FormatFloat(float64(r.EstimatedRunTime), 'f', -1, 64)
}

func took(r row, now time.Time) string {
	switch {
	case r.StartTime == nil:
		return ""
	case r.EndTime != nil:
		return output.Duration(r.EndTime.Sub(r.StartTime.Time))
	}
	return output.Duration(now.Sub(r.StartTime.Time))
}

// runArgument is the flow run that a verb is about.
func runArgument(env *cli.Env, value *string) cli.Positional {
	return cli.Positional{Name: "id", Value: value, Required: true, Complete: env.Complete(find.FlowRuns)}
}
