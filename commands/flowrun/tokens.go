package flowrun

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

func newTokensCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("tokens", "see and end what lets the program of a run in", nil, func() []*cobra.Command {
		return []*cobra.Command{newTokensListCmd(env), newTokensRevokeCmd(env)}
	})
	cmd.Long = "On a server with accounts workers start each run with a token of its own, which ends with the run. The secrets of tokens are shown nowhere."
	cmd.Example = "usher flow-run tokens ls curious-badger\nusher flow-run tokens revoke curious-badger"
	return cmd
}

func newTokensListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	var id string
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the tokens of a run that are good",
		Example: "usher flow-run tokens ls curious-badger",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, run, err := runNamed(cmd.Context(), env, id)
			if err != nil {
				return err
			}
			list, err := c.ReadRunTokens(cmd.Context(), run.ID)
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), list, []output.Column[api.RunTokenInfo]{
				{Name: "ID", Value: func(t api.RunTokenInfo) string { return t.ID.String() }, Whole: true},
				{Name: "Acts for", Value: func(t api.RunTokenInfo) string { return t.ActorID.String() }, Rank: 2},
				{Name: "Created", Value: func(t api.RunTokenInfo) string { return output.Stamp(&t.Created) }, Rank: 1},
				{Name: "Expires", Value: func(t api.RunTokenInfo) string { return output.Stamp(&t.Expires) }},
			})
		},
	}
	cli.Positionals(cmd, runArgument(env, &id))
	cli.OutputFlags(cmd, &options, output.FieldsOf[api.RunTokenInfo]())
	return cmd
}

func newTokensRevokeCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	var id string
	cmd := &cobra.Command{
		Use:     "revoke",
		Short:   "end the tokens of a run at once",
		Long:    "The program of the run is let in no more; the run itself is not stopped: usher flow-run cancel does that.",
		Example: "usher flow-run tokens revoke curious-badger",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, run, err := runNamed(cmd.Context(), env, id)
			if err != nil {
				return err
			}
			done, err := c.DeleteRunTokens(cmd.Context(), run.ID)
			if err != nil {
				return err
			}
			return cli.Result(env, options, done, "Ended the tokens of %q: %d.", run.Name, done.Deleted)
		},
	}
	cli.Positionals(cmd, runArgument(env, &id))
	cli.ResultFlags(cmd, &options, output.FieldsOf[api.RunTokensDeleted]())
	return cmd
}

// runNamed finds a run, with the client that found it.
func runNamed(ctx context.Context, env *cli.Env, id string) (*client.Client, *api.FlowRunResponse, error) {
	c, err := env.Client()
	if err != nil {
		return nil, nil, err
	}
	run, err := find.FlowRun(ctx, c, id)
	return c, run, err
}
