// Package artifact holds the commands about artifacts: what flows leave for people to read.
package artifact

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher artifact.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("artifact", "read what flows left for people", []string{"artifacts"}, func() []*cobra.Command {
		return []*cobra.Command{newListCmd(env), newInspectCmd(env), newDeleteCmd(env)}
	})
	cmd.Example = "usher artifact ls\nusher artifact inspect sales-report"
	return cmd
}

// keyArgument is the key of the artifacts that a verb is about.
func keyArgument(env *cli.Env, value *string, required bool) cli.Positional {
	return cli.Positional{Name: "key", Value: value, Required: required, Complete: env.Complete(find.Artifacts)}
}

// item is what the two kinds of lists have in common.
type item struct {
	id, key, kind, description string
	updated                    *api.Time
}

func columns() []output.Column[item] {
	return []output.Column[item]{
		{Name: "ID", Value: func(a item) string { return a.id }, Whole: true, Rank: 2},
		{Name: "Key", Value: func(a item) string { return a.key }, Tone: func(item) output.Tone { return output.Strong }, Whole: true},
		{Name: "Type", Value: func(a item) string { return a.kind }},
		{Name: "Updated", Value: func(a item) string { return output.Stamp(a.updated) }, Human: func(a item, now time.Time) string { return output.AgoPtr(now, a.updated) }},
		{Name: "Description", Value: func(a item) string { return a.description }, Rank: 1},
	}
}
