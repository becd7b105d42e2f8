// Package taskrun holds the commands about runs of tasks.
package taskrun

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher task-run.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("task-run", "see runs of tasks", []string{"task-runs"}, func() []*cobra.Command {
		return []*cobra.Command{newListCmd(env), newInspectCmd(env), newLogsCmd(env)}
	})
	cmd.Example = "usher task-run ls --flow-run curious-badger\nusher task-run logs extract-0"
	return cmd
}

// runArgument is the task run that a verb is about.
func runArgument(env *cli.Env, value *string) cli.Positional {
	return cli.Positional{Name: "id", Value: value, Required: true, Complete: env.Complete(find.TaskRuns)}
}

func columns() []output.Column[api.TaskRun] {
	return []output.Column[api.TaskRun]{
		{Name: "ID", Value: func(t api.TaskRun) string { return t.ID.String() }, Whole: true, Rank: 3},
		{Name: "Task", Value: func(t api.TaskRun) string { return t.TaskKey }, Rank: 4},
		{Name: "Name", Value: func(t api.TaskRun) string { return t.Name }, Tone: func(api.TaskRun) output.Tone { return output.Strong }, Whole: true},
		stateColumn(),
		{Name: "When", Value: func(t api.TaskRun) string { return output.Stamp(when(t)) }, Human: func(t api.TaskRun, now time.Time) string { return output.AgoPtr(now, when(t)) }, Rank: 1},
		{Name: "Took", Value: seconds, Human: took, Right: true, Rank: 2},
	}
}

func stateColumn() output.Column[api.TaskRun] {
	return output.StateColumn(func(t api.TaskRun) (*api.StateType, *string) { return t.StateType, t.StateName })
}

// when is the time of a run's present state.
func when(t api.TaskRun) *api.Time {
	if t.State == nil {
		return t.ExpectedStartTime
	}
	return &t.State.Timestamp
}

func seconds(t api.TaskRun) string {
	if t.StartTime == nil {
		return ""
	}
	return strconv.FormatFloat(float64(t.EstimatedRunTime), 'f', -1, 64)
}

func took(t api.TaskRun, now time.Time) string {
	switch {
	case t.StartTime == nil:
		return ""
	case t.EndTime != nil:
		return output.Duration(t.EndTime.Sub(t.StartTime.Time))
	}
	return output.Duration(now.Sub(t.StartTime.Time))
}
