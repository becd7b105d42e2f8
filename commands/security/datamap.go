package security

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

func newDataMapCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	var class string
	cmd := &cobra.Command{
		Use:     "data-map",
		Short:   "list what the server's database holds, of which class, and how long",
		Long:    "The classes: metadata of workflows, user (data of people), credential (what lets somebody in, or was entrusted as a secret), log (lines of runs), audit (who changed what).",
		Example: "usher security data-map\nusher security data-map --class user -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			classes := []string{"metadata", "user", "credential", "log", "audit"}
			if class != "" && !slices.Contains(classes, class) {
				return cli.Usagef("%q is no class; there are %s", class, strings.Join(classes, ", "))
			}
			c, err := connect(env)
			if err != nil {
				return err
			}
			got, err := client.Ask[[]api.DataMapRow](cmd.Context(), c, "GET", "/security/data-map", nil)
			if err != nil {
				return err
			}
			rows := []api.DataMapRow{}
			for _, row := range got {
				if class == "" || row.Class == class {
					rows = append(rows, row)
				}
			}
			return output.List(env.Printer(options), rows, []output.Column[api.DataMapRow]{
				{Name: "Table", Value: func(r api.DataMapRow) string { return r.Table }, Tone: func(api.DataMapRow) output.Tone { return output.Strong }},
				{Name: "Class", Value: func(r api.DataMapRow) string { return r.Class }},
				{Name: "Columns", Value: func(r api.DataMapRow) string { return strings.Join(r.Columns, " ") }, Rank: 2},
				{Name: "Kept", Value: func(r api.DataMapRow) string { return r.Kept }, Rank: 1},
				{Name: "What", Value: func(r api.DataMapRow) string { return r.Purpose }, Rank: 3},
			})
		},
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVar(&class, "class", "", "only columns of this `class`")
	cli.OutputFlags(cmd, &options, output.FieldsOf[api.DataMapRow]())
	return cmd
}
