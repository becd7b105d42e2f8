// Package deployment holds the commands about deployments: flows that can be run from
// anywhere, by hand or on a schedule.
package deployment

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher deployment.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("deployment", "run deployed flows and see how they are set up", []string{"deployments"}, func() []*cobra.Command {
		return []*cobra.Command{
			newListCmd(env),
			newInspectCmd(env),
			newHistoryCmd(env),
			newRunCmd(env),
			newPauseCmd(env),
			newResumeCmd(env),
			newDisableCmd(env),
			newEnableCmd(env),
			newVersionsCmd(env),
			newPromoteCmd(env),
			newDiffCmd(env),
			newBranchCmd(env),
			newScheduleCmd(env),
			newBackfillCmd(env),
			newRunAccessCmd(env),
			newDeleteCmd(env),
		}
	})
	cmd.Example = "usher deployment ls\nusher deployment run etl/nightly --param day=2026-01-31 --watch"
	return cmd
}

// row is a deployment as it is listed.
type row struct {
	api.DeploymentResponse

	name string // with the flow's
}

func columns() []output.Column[row] {
	return []output.Column[row]{
		{Name: "Name", Value: func(r row) string { return r.name }, Tone: func(row) output.Tone { return output.Strong }, Whole: true},
		{Name: "ID", Value: func(r row) string { return r.ID.String() }, Whole: true, Rank: 3},
		{Name: "Work pool", Value: func(r row) string { return output.Text(r.WorkPoolName) }, Rank: 1},
		output.StatusColumn(status).At(2),
	}
}

func status(r row) string {
	if r.Paused && r.Disabled == nil {
		return "PAUSED"
	}
	return output.Text(r.Status)
}

// nameArgument is the deployment that a verb is about.
func nameArgument(env *cli.Env, value *string, required bool) cli.Positional {
	return cli.Positional{Name: "name", Value: value, Required: required, Complete: env.Complete(find.Deployments)}
}

// chosen is the deployment named by an argument or by --id.
func chosen(name, id string) (string, error) {
	switch {
	case name != "" && id != "":
		return "", cli.Usagef("say either a name or --id, not both")
	case name == "" && id == "":
		return "", cli.Usagef("say which deployment: flow/deployment, or --id")
	}
	return name + id, nil
}
