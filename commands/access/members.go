package access

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// role is one in the account or in a workspace.
type role struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Where roles are.
const (
	accountRoles   = "/account_roles/filter"
	workspaceRoles = "/workspace_roles/filter"
)

// roleID finds a role by its name or id.
func roleID(ctx context.Context, account *client.Client, path, name string) (string, error) {
	list, err := all[role](ctx, account, path)
	if err != nil {
		return "", err
	}
	found, err := one("role", name, list, func(r role) []string { return []string{r.ID, r.Name} })
	return found.ID, err
}

// member is a person or service account of the account.
type member struct {
	ID     string  `json:"id"`
	UserID *string `json:"user_id"`
	Handle *string `json:"handle"`
	Email  *string `json:"email"`
	Role   string  `json:"account_role_name"`
	Active bool    `json:"active"`
}

// invitation is one to the account.
type invitation struct {
	ID         string    `json:"id"`
	Email      string    `json:"email"`
	Status     string    `json:"status"`
	Expiration *api.Time `json:"expiration"`
}

// NewMemberCmd makes usher member.
func NewMemberCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("member", "see and invite the people of the account", []string{"members"}, func() []*cobra.Command {
		return []*cobra.Command{
			newMemberListCmd(env),
			newInviteCmd(env),
			newInvitationsCmd(env),
			newRevokeCmd(env),
			newSetRoleCmd(env),
			newActiveCmd(env, "activate", true),
			newActiveCmd(env, "deactivate", false),
			newRemoveCmd(env),
		}
	})
	cmd.Example = "usher member ls"
	return cmd
}

func newMemberListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list who belongs to the account",
		Example: "usher member ls",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			list, err := all[member](cmd.Context(), c, "/account_memberships/filter")
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), list, []output.Column[member]{
				{Name: "Email", Value: func(m member) string { return output.Text(m.Email) }, Tone: func(member) output.Tone { return output.Strong }, Whole: true},
				{Name: "Handle", Value: func(m member) string { return output.Text(m.Handle) }, Rank: 2, Whole: true},
				{Name: "Role", Value: func(m member) string { return m.Role }},
				output.SwitchColumn("Active", func(m member) bool { return m.Active }).At(1),
				{Name: "ID", Value: func(m member) string { return m.ID }, Whole: true, Rank: 3},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[member]())
	return cmd
}

func findMember(ctx context.Context, env *cli.Env, name string) (*client.Client, member, error) {
	c, err := inAccount(env)
	if err != nil {
		return nil, member{}, err
	}
	list, err := all[member](ctx, c, "/account_memberships/filter")
	if err != nil {
		return nil, member{}, err
	}
	m, err := one("member", name, list, func(m member) []string {
		return []string{m.ID, output.Text(m.Email), output.Text(m.Handle), output.Text(m.UserID)}
	})
	return c, m, err
}

// again reads a member once more, after a change.
func again(ctx context.Context, env *cli.Env, m member) (member, error) {
	_, now, err := findMember(ctx, env, m.ID)
	return now, err
}

func newInviteCmd(env *cli.Env) *cobra.Command {
	var email, role string
	var options output.Options
	cmd := &cobra.Command{
		Use:     "invite",
		Short:   "invite somebody to the account",
		Example: "usher member invite bob@example.com --role Member",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name, domain, ok := strings.Cut(email, "@"); !ok || name == "" || domain == "" {
				return cli.Usagef("%q is no e-mail address", email)
			}
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			id, err := roleID(cmd.Context(), c, accountRoles, role)
			if err != nil {
				return err
			}
			made, err := client.Ask[[]invitation](cmd.Context(), c, "POST", "/invitations/", []any{map[string]any{"email": email, "account_role_id": id}})
			if err != nil {
				return err
			}
			words := make([]string, len(made))
			for j, i := range made {
				words[j] = "Invited " + i.Email + "; the invitation is valid until " + ended(i.Expiration) + "."
			}
			return cli.Results(env, options, made, "%s", strings.Join(words, "\n"))
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "email", Value: &email, Required: true})
	cmd.Flags().StringVar(&role, "role", "Member", "the `role` in the account")
	cli.ResultFlags(cmd, &options, output.FieldsOf[invitation]())
	return cmd
}

func newInvitationsCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "invitations",
		Short:   "list who is invited to the account",
		Example: "usher member invitations",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			list, err := all[invitation](cmd.Context(), c, "/invitations/filter")
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), list, []output.Column[invitation]{
				{Name: "Email", Value: func(i invitation) string { return i.Email }, Tone: func(invitation) output.Tone { return output.Strong }, Whole: true},
				{Name: "Status", Value: func(i invitation) string { return i.Status }},
				{Name: "Expires", Value: func(i invitation) string { return ended(i.Expiration) }, Rank: 1},
				{Name: "ID", Value: func(i invitation) string { return i.ID }, Whole: true, Rank: 2},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[invitation]())
	return cmd
}

func newRevokeCmd(env *cli.Env) *cobra.Command {
	var email string
	var options output.Options
	cmd := &cobra.Command{
		Use:     "uninvite",
		Short:   "take back an invitation",
		Example: "usher member uninvite bob@example.com",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := inAccount(env)
			if err != nil {
				return err
			}
			list, err := all[invitation](cmd.Context(), c, "/invitations/filter")
			if err != nil {
				return err
			}
			var open []invitation
			for _, i := range list {
				if strings.EqualFold(i.Status, "pending") || i.ID == email {
					open = append(open, i)
				}
			}
			i, err := one("open invitation", email, open, func(i invitation) []string { return []string{i.ID, i.Email} })
			if err != nil {
				return err
			}
			if err := c.Tell(cmd.Context(), "POST", "/invitations/"+i.ID+"/revoke", nil); err != nil {
				return err
			}
			return cli.Result(env, options, i, "%s is not invited any more.", i.Email)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "email", Value: &email, Required: true})
	cli.ResultFlags(cmd, &options, output.FieldsOf[invitation]())
	return cmd
}

func newSetRoleCmd(env *cli.Env) *cobra.Command {
	var name, role string
	var options output.Options
	cmd := &cobra.Command{
		Use:     "set-role",
		Short:   "give a member another role in the account",
		Example: "usher member set-role bob@example.com Admin",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, m, err := findMember(cmd.Context(), env, name)
			if err != nil {
				return err
			}
			id, err := roleID(cmd.Context(), c, accountRoles, role)
			if err != nil {
				return err
			}
			if err := c.Tell(cmd.Context(), "PATCH", "/account_memberships/"+m.ID, map[string]any{"account_role_id": id}); err != nil {
				return err
			}
			return cli.ResultOf(env, options, func() (member, error) { return again(cmd.Context(), env, m) }, "%s has the role %s.", name, role)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "member", Value: &name, Required: true}, cli.Positional{Name: "role", Value: &role, Required: true})
	cli.ResultFlags(cmd, &options, output.FieldsOf[member]())
	return cmd
}

func newActiveCmd(env *cli.Env, verb string, active bool) *cobra.Command {
	var name string
	var options output.Options
	cmd := &cobra.Command{
		Use:     verb,
		Short:   map[bool]string{true: "let a member in again", false: "keep a member out, without removing what is theirs"}[active],
		Example: "usher member " + verb + " bob@example.com",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, m, err := findMember(cmd.Context(), env, name)
			if err != nil {
				return err
			}
			if err := c.Tell(cmd.Context(), "PATCH", "/account_memberships/"+m.ID+"/active", map[string]any{"active": active}); err != nil {
				return err
			}
			m.Active = active
			return cli.Result(env, options, m, "%s is %s.", name, map[bool]string{true: "active", false: "not active any more"}[active])
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "member", Value: &name, Required: true})
	cli.ResultFlags(cmd, &options, output.FieldsOf[member]())
	return cmd
}

func newRemoveCmd(env *cli.Env) *cobra.Command {
	var name string
	var yes bool
	var options output.Options
	cmd := &cobra.Command{
		Use:     "remove",
		Aliases: []string{"rm", "delete"},
		Short:   "remove a member from the account",
		Example: "usher member remove bob@example.com --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, m, err := findMember(cmd.Context(), env, name)
			if err != nil {
				return err
			}
			if err := env.Confirm(cmd.Context(), yes, "Remove %s from the account?", name); err != nil {
				return err
			}
			if err := c.Tell(cmd.Context(), "DELETE", "/account_memberships/"+m.ID, nil); err != nil {
				return err
			}
			return cli.Result(env, options, m, "%s is no member any more.", name)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "member", Value: &name, Required: true})
	cli.YesFlag(cmd, &yes)
	cli.ResultFlags(cmd, &options, output.FieldsOf[member]())
	return cmd
}
