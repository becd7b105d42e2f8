// Package flow holds the commands about flows.
package flow

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands/worker"
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher flow.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("flow", "see the flows that are known", []string{"flows"}, func() []*cobra.Command {
		return []*cobra.Command{newListCmd(env), newInspectCmd(env), worker.NewFlowServeCmd(env), newDeleteCmd(env)}
	})
	cmd.Example = "usher flow ls"
	return cmd
}

func columns() []output.Column[api.Flow] {
	return []output.Column[api.Flow]{
		{Name: "ID", Value: func(f api.Flow) string { return f.ID.String() }, Whole: true, Rank: 2},
		{Name: "Name", Value: func(f api.Flow) string { return f.Name }, Tone: func(api.Flow) output.Tone { return output.Strong }, Whole: true},
		{
			Name: "Created", Value: func(f api.Flow) string { return output.Stamp(f.Created) },
			Human: func(f api.Flow, now time.Time) string { return output.AgoPtr(now, f.Created) }, Rank: 1,
		},
	}
}

func properties() []output.Column[api.Flow] {
	return []output.Column[api.Flow]{
		{Name: "Name", Value: func(f api.Flow) string { return f.Name }, Tone: func(api.Flow) output.Tone { return output.Strong }, Whole: true},
		{Name: "ID", Value: func(f api.Flow) string { return f.ID.String() }, Whole: true},
		{Name: "Tags", Value: func(f api.Flow) string { return strings.Join(f.Tags, ", ") }},
		{Name: "Labels", Value: func(f api.Flow) string { return output.Compact(f.Labels) }},
		{
			Name: "Created", Value: func(f api.Flow) string { return output.Stamp(f.Created) },
			Human: func(f api.Flow, now time.Time) string { return output.TimePtr(now, f.Created) },
		},
	}
}
