package access

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

// grant is the access that somebody has to the workspace in use.
type grant struct {
	ID     string `json:"id"`
	Who    string `json:"who"`
	Kind   string `json:"kind"`
	RoleID string `json:"workspace_role_id"`
	Role   string `json:"role"`
}

// NewAccessCmd makes usher access.
func NewAccessCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("access", "say who may work in the workspace in use", nil, func() []*cobra.Command {
		return []*cobra.Command{
			newGrantListCmd(env),
			newGrantCmd(env),
			newUngrantCmd(env),
			newRolesCmd(env),
			newRequestCmd(env),
			newRequestsCmd(env),
			newApproveCmd(env),
			newDenyCmd(env),
			newWithdrawCmd(env),
			newReviewCmd(env),
		}
	})
	cmd.Example = "usher access ls"
	return cmd
}

// grants lists the access that people and service accounts have.
func grants(ctx context.Context, p place) (list []grant, err error) {
	roles, err := all[role](ctx, p.account, workspaceRoles)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, r := range roles {
		names[r.ID] = r.Name
	}
	people, err := all[struct {
		grant
		Email string `json:"email"`
	}](ctx, p.workspace, "/user_access/filter")
	if err != nil {
		return nil, err
	}
	for _, a := range people {
		list = append(list, grant{a.ID, a.Email, "person", a.RoleID, names[a.RoleID]})
	}
	programs, err := all[struct {
		grant
		Name string `json:"bot_name"`
	}](ctx, p.workspace, "/bot_access/filter")
	for _, a := range programs {
		list = append(list, grant{a.ID, a.Name, "service account", a.RoleID, names[a.RoleID]})
	}
	return list, err
}

func newGrantListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list who may work in the workspace in use",
		Example: "usher access ls",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := inWorkspace(env)
			if err != nil {
				return err
			}
			list, err := grants(cmd.Context(), p)
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), list, []output.Column[grant]{
				{Name: "Who", Value: func(g grant) string { return g.Who }, Tone: func(grant) output.Tone { return output.Strong }},
				{Name: "Kind", Value: func(g grant) string { return g.Kind }, Rank: 1},
				{Name: "Role", Value: func(g grant) string { return g.Role }},
				{Name: "ID", Value: func(g grant) string { return g.ID }, Whole: true, Rank: 2},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[grant]())
	return cmd
}

func newGrantCmd(env *cli.Env) *cobra.Command {
	var who, role string
	var options output.Options
	cmd := &cobra.Command{
		Use:     "grant",
		Short:   "let a member or a service account work in the workspace in use",
		Example: "usher access grant ci --role Developer\nusher access grant bob@example.com --role Viewer",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			p, err := inWorkspace(env)
			if err != nil {
				return err
			}
			id, err := roleID(ctx, p.account, workspaceRoles, role)
			if err != nil {
				return err
			}
			path, body := "/user_access/", map[string]any{"workspace_role_id": id}
			if _, b, err := findBot(ctx, env, who); err == nil {
				path, body["bot_id"] = "/bot_access/", b.ID
			} else {
				_, m, err := findMember(ctx, env, who)
				if err != nil {
					return err
				}
				body["user_id"] = output.Text(m.UserID)
			}
			if err := p.workspace.Tell(ctx, "POST", path, []any{body}); err != nil {
				return err
			}
			return cli.ResultOf(env, options, func() (grant, error) {
				list, err := grants(ctx, p)
				if err != nil {
					return grant{}, err
				}
				return one("access", who, list, func(g grant) []string { return []string{g.ID, g.Who} })
			}, "%s works here as %s.", who, role)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "who", Value: &who, Required: true})
	cmd.Flags().StringVar(&role, "role", "Developer", "the `role` in the workspace")
	cli.ResultFlags(cmd, &options, output.FieldsOf[grant]())
	return cmd
}

func newUngrantCmd(env *cli.Env) *cobra.Command {
	var who string
	var yes bool
	var options output.Options
	cmd := &cobra.Command{
		Use:     "revoke",
		Short:   "take away somebody's access to the workspace in use",
		Example: "usher access revoke ci --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := inWorkspace(env)
			if err != nil {
				return err
			}
			list, err := grants(cmd.Context(), p)
			if err != nil {
				return err
			}
			g, err := one("access", who, list, func(g grant) []string { return []string{g.ID, g.Who} })
			if err != nil {
				return err
			}
			if err := env.Confirm(cmd.Context(), yes, "Take away the access of %s?", g.Who); err != nil {
				return err
			}
			path := map[string]string{"person": "/user_access/", "service account": "/bot_access/"}[g.Kind]
			if err := p.workspace.Tell(cmd.Context(), "DELETE", path+g.ID, nil); err != nil {
				return err
			}
			return cli.Result(env, options, g, "%s does not work here any more.", g.Who)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "who", Value: &who, Required: true})
	cli.YesFlag(cmd, &yes)
	cli.ResultFlags(cmd, &options, output.FieldsOf[grant]())
	return cmd
}

// named is a role with what it is of.
type named struct {
	role
	Of string `json:"of"`
}

func newRolesCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "roles",
		Short:   "list the roles that there are in the account and its workspaces",
		Example: "usher access roles",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			var list []named
			for _, of := range []struct{ name, path string }{{"account", accountRoles}, {"workspace", workspaceRoles}} {
				roles, err := all[role](cmd.Context(), c, of.path)
				if err != nil {
					return err
				}
				for _, r := range roles {
					list = append(list, named{r, of.name})
				}
			}
			return output.List(env.Printer(options), list, []output.Column[named]{
				{Name: "Role", Value: func(r named) string { return r.Name }, Tone: func(named) output.Tone { return output.Strong }},
				{Name: "Of", Value: func(r named) string { return r.Of }},
				{Name: "ID", Value: func(r named) string { return r.ID }, Whole: true, Rank: 1},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[named]())
	return cmd
}
