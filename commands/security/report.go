package security

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

func newReportCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	var weak, unproven bool
	cmd := &cobra.Command{
		Use:   "report",
		Short: "show what the product promises, what this installation makes of it, and what proves it",
		Long: "Each row is a promise about security with its value here. Proof says whether tests of the product cover it whole, in part or not at all; " +
			"missing says what they don't show. Rows of the level operator are yours: documents of docs/security help with them.",
		Example: "usher security report\nusher security report --weak\nusher security report --unproven -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := connect(env)
			if err != nil {
				return err
			}
			got, err := client.Ask[api.SecurityReport](cmd.Context(), c, "GET", "/security/report", nil)
			if err != nil {
				return err
			}
			rows := []api.SecurityRow{}
			for _, row := range got.Rows {
				if (!weak || row.Weak) && (!unproven || row.Proof != "proven") {
					rows = append(rows, row)
				}
			}
			return output.List(env.Printer(options), rows, []output.Column[api.SecurityRow]{
				{Name: "ID", Value: func(r api.SecurityRow) string { return r.ID }, Whole: true},
				{Name: "Level", Value: func(r api.SecurityRow) string { return r.Level }, Rank: 3},
				{Name: "Promise", Value: func(r api.SecurityRow) string { return r.Promise }, Rank: 1},
				{Name: "Here", Value: func(r api.SecurityRow) string { return r.Live }, Tone: func(r api.SecurityRow) output.Tone {
					if r.Weak {
						return output.Bad
					}
					return output.Strong
				}},
				{Name: "Proof", Value: func(r api.SecurityRow) string { return r.Proof }, Tone: func(r api.SecurityRow) output.Tone {
					if r.Proof == "proven" {
						return output.Good
					}
					return output.Bad
				}},
				{Name: "Tests", Value: func(r api.SecurityRow) string { return strings.Join(r.Tests, " ") }, Rank: 5},
				{Name: "Missing", Value: func(r api.SecurityRow) string { return r.Missing }, Rank: 4},
			})
		},
	}
	cli.Positionals(cmd)
	cmd.Flags().BoolVar(&weak, "weak", false, "only what a setting weakens")
	cmd.Flags().BoolVar(&unproven, "unproven", false, "only what no test proves whole")
	cli.OutputFlags(cmd, &options, output.FieldsOf[api.SecurityRow]())
	return cmd
}
