package access

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

const accessRequests = "/access_requests/"

func newRequestCmd(env *cli.Env) *cobra.Command {
	var role, reason string
	var lasts time.Duration
	var options output.Options
	cmd := &cobra.Command{
		Use:     "request",
		Short:   "ask for a role in the workspace in use for a while",
		Long:    "Somebody else who gives access there decides with usher access approve. The role comes on top of what you have, and ends by itself.",
		Example: `usher access request --role Developer --for 4h --reason "the orders pipeline fails"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if lasts < time.Minute || lasts > 30*24*time.Hour {
				return cli.Usagef("--for is a minute to 720h, not %s", lasts)
			}
			if strings.TrimSpace(reason) == "" {
				return cli.Usagef("say what it is for with --reason: whoever decides reads it")
			}
			p, err := inWorkspace(env)
			if err != nil {
				return err
			}
			settings, err := env.Settings()
			if err != nil {
				return err
			}
			_, workspace, _ := strings.Cut(settings.APIURL(), "/workspaces/")
			id, err := roleID(cmd.Context(), p.account, workspaceRoles, role)
			if err != nil {
				return err
			}
			made, err := client.Ask[api.AccessRequest](cmd.Context(), p.account, "POST", accessRequests, map[string]any{
				"workspace_id": strings.Trim(workspace, "/"), "workspace_role_id": id, "seconds": int(lasts / time.Second), "reason": reason,
			})
			if err != nil {
				return err
			}
			return cli.Result(env, options, made, "Asked for %s in %s: usher access approve %s lets you in.", made.Role, made.Workspace, made.ID)
		},
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVar(&role, "role", "Developer", "the `role` in the workspace")
	cmd.Flags().DurationVar(&lasts, "for", time.Hour, "how long, such as 4h")
	cmd.Flags().StringVar(&reason, "reason", "", "what it is for")
	cli.ResultFlags(cmd, &options, output.FieldsOf[api.AccessRequest]())
	return cmd
}

func newRequestsCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "requests",
		Short:   "list requests for access: your own, and those that you may decide on",
		Example: "usher access requests",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			list, err := requests(cmd.Context(), c)
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), list, []output.Column[api.AccessRequest]{
				{Name: "ID", Value: func(r api.AccessRequest) string { return r.ID.String() }, Whole: true},
				{Name: "Who", Value: func(r api.AccessRequest) string { return r.Actor }, Tone: func(api.AccessRequest) output.Tone { return output.Strong }},
				{Name: "Workspace", Value: func(r api.AccessRequest) string { return r.Workspace }, Rank: 2},
				{Name: "Role", Value: func(r api.AccessRequest) string { return r.Role }},
				{Name: "For", Value: func(r api.AccessRequest) string { return (time.Duration(r.Seconds) * time.Second).String() }, Rank: 3},
				{Name: "Status", Value: func(r api.AccessRequest) string { return r.Status }},
				{Name: "Ends", Value: func(r api.AccessRequest) string { return ended(r.Expires) }, Rank: 4},
				{Name: "Reason", Value: func(r api.AccessRequest) string { return r.Reason }, Rank: 5},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[api.AccessRequest]())
	return cmd
}

func requests(ctx context.Context, c *client.Client) (list []api.AccessRequest, err error) {
	for {
		got, err := client.Ask[[]api.AccessRequest](ctx, c, "GET", accessRequests+"?offset="+strconv.Itoa(len(list)), nil)
		if err != nil {
			return nil, err
		}
		if list = append(list, got...); len(got) < page {
			return list, nil
		}
	}
}

// newDecideCmd makes a verb that decides on a request.
func newDecideCmd(env *cli.Env, verb, short string, path func(api.AccessRequest) string, words string) *cobra.Command {
	var id string
	var options output.Options
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: "usher access " + verb + " 0198f0c0-0000-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			list, err := requests(cmd.Context(), c)
			if err != nil {
				return err
			}
			r, err := one("request for access", id, list, func(r api.AccessRequest) []string { return []string{r.ID.String()} })
			if err != nil {
				return err
			}
			done, err := client.Ask[api.AccessRequest](cmd.Context(), c, "POST", accessRequests+r.ID.String()+"/"+path(r), nil)
			if err != nil {
				return err
			}
			return cli.Result(env, options, done, words, done.Actor, done.Role, done.Workspace)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "id", Value: &id, Required: true})
	cli.ResultFlags(cmd, &options, output.FieldsOf[api.AccessRequest]())
	return cmd
}

func newApproveCmd(env *cli.Env) *cobra.Command {
	return newDecideCmd(env, "approve", "give the role that somebody else asks for, for the time that they ask for", func(api.AccessRequest) string { return "approve" }, "%s works as %s in %s.")
}

func newDenyCmd(env *cli.Env) *cobra.Command {
	return newDecideCmd(env, "deny", "refuse a request of somebody else", func(api.AccessRequest) string { return "deny" }, "%s does not get %s in %s.")
}

func newWithdrawCmd(env *cli.Env) *cobra.Command {
	return newDecideCmd(env, "withdraw", "take a request of yours back, or end access before its time", func(r api.AccessRequest) string {
		if r.Status == "APPROVED" {
			return "revoke"
		}
		return "withdraw"
	}, "%s does not have %s in %s by that request any more.")
}
