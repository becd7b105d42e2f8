package login

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

// session of a person at the server: a browser, or a terminal that is logged in.
type remote struct {
	ID         string    `json:"id"`
	Created    *api.Time `json:"created"`
	IPAddress  string    `json:"ip_address"`
	Location   *string   `json:"location"`
	UserAgent  *string   `json:"user_agent"`
	ExpiresAt  int64     `json:"expires_at"`
	Restricted bool      `json:"restricted"`
	Current    bool      `json:"current"` // the one that asks, where the server says
}

// NewSessionsCmd makes usher sessions.
func NewSessionsCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("sessions", "see where you are logged in, and end it", []string{"session"}, func() []*cobra.Command {
		return []*cobra.Command{newSessionsListCmd(env), newRevokeCmd(env)}
	})
	cmd.Example = "usher sessions ls"
	return cmd
}

func newSessionsListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the browsers and terminals in which you are logged in",
		Example: "usher sessions ls",
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := mine[[]remote](cmd.Context(), env, "/sessions")
			if err != nil {
				return err
			}
			return output.List(env.Printer(options), all, []output.Column[remote]{
				{Name: "ID", Value: func(r remote) string { return r.ID }, Whole: true},
				{Name: "Program", Value: func(r remote) string { return output.Text(r.UserAgent) }, Rank: 1},
				{Name: "Address", Value: func(r remote) string { return r.IPAddress }},
				{Name: "Location", Value: func(r remote) string { return output.Text(r.Location) }, Rank: 3},
				{
					Name: "Expires", Value: func(r remote) string { return time.Unix(r.ExpiresAt, 0).UTC().Format(time.RFC3339) }, Rank: 2,
					Human: func(r remote, now time.Time) string { return output.Time(now, time.Unix(r.ExpiresAt, 0)) },
				},
				{Name: "Restricted", Value: func(r remote) string { return strconv.FormatBool(r.Restricted) }, Rank: 4},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[remote]())
	return cmd
}

// last sorts the session that asks behind the others, which it still has to end.
func last(r remote) int {
	if r.Current {
		return 1
	}
	return 0
}

type revokeOptions struct {
	env *cli.Env
	id  string
	all bool
	yes bool

	output output.Options
}

// ended is a session that was ended.
type ended struct {
	ID string `json:"id"`
}

func newRevokeCmd(env *cli.Env) *cobra.Command {
	opts := &revokeOptions{env: env}
	cmd := &cobra.Command{
		Use:     "revoke",
		Aliases: []string{"terminate"},
		Short:   "end a session, or all of them",
		Long:    "Who was logged in with it is not any more within a minute. --all ends this one, too.",
		Example: "usher sessions revoke 0198c6a2-6f0e-7c7e-b1f5-2f3f8e1f7c11\nusher sessions revoke --all --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "session_id", Value: &opts.id})
	cmd.Flags().BoolVar(&opts.all, "all", false, "end all of them")
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[ended]())
	return cmd
}

func (o *revokeOptions) run(ctx context.Context) error {
	if o.all == (o.id != "") {
		return cli.Usagef("say the id of a session, or --all").WithHint("`usher sessions ls` shows the ids")
	}
	ids := []string{o.id}
	if o.all {
		all, err := mine[[]remote](ctx, o.env, "/sessions")
		if err != nil {
			return err
		}
		if err := o.env.ConfirmAlways(ctx, o.yes, "End all %d sessions, this one too?", len(all)); err != nil {
			return err
		}
		slices.SortStableFunc(all, func(a, b remote) int { return cmp.Compare(last(a), last(b)) })
		ids = nil
		for _, r := range all {
			ids = append(ids, r.ID)
		}
	} else if _, err := uuid.Parse(o.id); err != nil {
		return cli.Usagef("%q is not an id; `usher sessions ls` shows the ids", o.id)
	}
	root, err := rootClient(o.env)
	if err != nil {
		return err
	}
	for i, id := range ids {
		err := root.Tell(ctx, "POST", "/me/sessions/"+id+"/terminate", nil)
		switch {
		case api.CodeOf(err) == api.CodeNotFound && o.all: // it has ended meanwhile
		case api.CodeOf(err) == api.CodeNotFound:
			return cli.NotFound("session", id, nil)
		case api.CodeOf(err) == api.CodeUnauthenticated && i > 0:
			return cli.WithHint(err, "ended %d of %d, this one among them; log in again to end the others", i, len(ids))
		case err != nil:
			return err
		}
	}
	list := make([]ended, len(ids))
	for i, id := range ids {
		list[i].ID = id
	}
	return cli.Results(o.env, o.output, list, "Ended %d.", len(ids))
}
