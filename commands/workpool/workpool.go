// Package workpool holds the commands about work pools: the places that take the runs of
// deployments.
package workpool

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher work-pool.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("work-pool", "set up the pools that workers take runs from", []string{"work-pools"}, func() []*cobra.Command {
		return []*cobra.Command{
			newListCmd(env),
			newCreateCmd(env),
			newInspectCmd(env),
			newUpdateCmd(env),
			newPauseCmd(env),
			newResumeCmd(env),
			newSetLimitCmd(env),
			newClearLimitCmd(env),
			newPreviewCmd(env),
			newSlotsCmd(env),
			newTemplateCmd(env),
			newProvisionCmd(env),
			newStorageCmd(env),
			newDeleteCmd(env),
		}
	})
	cmd.Example = "usher work-pool create local --type process\nusher worker start --pool local"
	return cmd
}

// nameArgument is the pool that a verb is about.
func nameArgument(env *cli.Env, value *string, required bool) cli.Positional {
	return cli.Positional{Name: "name", Value: value, Required: required, Complete: env.Complete(find.WorkPools)}
}

func columns(verbose bool) []output.Column[api.WorkPoolResponse] {
	list := []output.Column[api.WorkPoolResponse]{
		{Name: "Name", Value: func(p api.WorkPoolResponse) string { return p.Name }, Tone: func(api.WorkPoolResponse) output.Tone { return output.Strong }, Whole: true},
		{Name: "Type", Value: func(p api.WorkPoolResponse) string { return p.Type }, Rank: 1},
		{Name: "ID", Value: func(p api.WorkPoolResponse) string { return p.ID.String() }, Whole: true, Rank: 3},
		{Name: "Concurrency limit", Value: func(p api.WorkPoolResponse) string { return output.Number(p.ConcurrencyLimit) }, Human: limitText, Right: true, Rank: 2},
		output.StatusColumn(status),
	}
	if verbose {
		list = append(list, output.Column[api.WorkPoolResponse]{Name: "Base job template", Value: func(p api.WorkPoolResponse) string { return output.Compact(p.BaseJobTemplate) }})
	}
	return list
}

func limitText(p api.WorkPoolResponse, _ time.Time) string {
	if p.ConcurrencyLimit == nil {
		return "none"
	}
	return strconv.Itoa(*p.ConcurrencyLimit)
}

func status(p api.WorkPoolResponse) string {
	if p.IsPaused {
		return string(api.WorkPoolStatusPaused)
	}
	return output.Text(p.Status)
}
