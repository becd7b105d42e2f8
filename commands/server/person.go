package server

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/server"
)

// NewAccountCmd makes usher account. It is here because it may work on a server's database.
func NewAccountCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("account", "export and erase what a server with accounts keeps about a person, restore an account that was deleted", nil, func() []*cobra.Command {
		return []*cobra.Command{newExportPersonCmd(env), newErasePersonCmd(env), newRestoreAccountCmd(env)}
	})
	cmd.Example = "usher account export-person"
	return cmd
}

type personOptions struct {
	env         *cli.Env
	output      output.Options
	databaseURL string
	email       string
	yes         bool
}

func (o *personOptions) flags(cmd *cobra.Command) {
	cli.Positionals(cmd)
	databaseFlag(cmd, &o.databaseURL)
	cmd.Flags().StringVar(&o.email, "email", "", "the person's `address`; works on the server's database, where its home is (default: yourself, through the API)")
}

func newExportPersonCmd(env *cli.Env) *cobra.Command {
	opts := &personOptions{env: env}
	cmd := &cobra.Command{
		Use:   "export-person",
		Short: "print all that the server keeps about you or somebody else, as JSON",
		Long: "Who signs in, access, keys without their secrets, sessions, what was made, and what the audit logs say. " +
			"What flows have logged or published of somebody is not known to be theirs. That it was exported is in the audit logs.",
		Example: "usher account export-person\nusher account export-person --email bob@example.com",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.export(cmd.Context()) },
	}
	opts.flags(cmd)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.PersonExport]())
	return cmd
}

func (o *personOptions) export(ctx context.Context) error {
	out, err := o.find(ctx)
	if err != nil {
		return err
	}
	if !o.output.Structured() {
		o.output.Format = output.JSON
	}
	return o.env.Printer(o.output).Value(out)
}

func (o *personOptions) find(ctx context.Context) (*api.PersonExport, error) {
	if o.email != "" {
		options, err := (&keysOptions{env: o.env, databaseURL: o.databaseURL}).server()
		if err != nil {
			return nil, err
		}
		return server.ExportPerson(ctx, options, o.email)
	}
	c, err := o.root()
	if err != nil {
		return nil, err
	}
	out, err := client.Ask[api.PersonExport](ctx, c, "GET", "/me/export", nil)
	return &out, err
}

// root is the client of the server that the settings name.
func (o *personOptions) root() (*client.Client, error) {
	if o.databaseURL != "" {
		return nil, cli.Usagef("--database-url goes with --email: say whose data it is about")
	}
	settings, err := o.env.Settings()
	if err != nil {
		return nil, err
	}
	root, _, _ := strings.Cut(settings.APIURL(), "/accounts/")
	return o.env.ConnectTo(settings, root)
}

func newErasePersonCmd(env *cli.Env) *cobra.Command {
	opts := &personOptions{env: env}
	cmd := &cobra.Command{
		Use:   "erase-person",
		Short: "remove you or somebody else for good, with keys and sessions, and their name from where it is kept",
		Long: "Runs and deployments that they made, and the audit logs, name a label instead; the logs stay verifiable. " +
			"An account's only owner is refused. What flows have logged or published of somebody stays until you delete it; so do backups.",
		Example: "usher account erase-person --email bob@example.com --yes\nusher account erase-person --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.erase(cmd.Context()) },
	}
	opts.flags(cmd)
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.PersonErased]())
	return cmd
}

func (o *personOptions) erase(ctx context.Context) error {
	who := o.email
	if who == "" {
		who = "yourself"
	}
	if err := o.env.ConfirmAlways(ctx, o.yes, "Erase %s for good?", who); err != nil {
		return err
	}
	out, err := o.remove(ctx)
	if err != nil {
		return err
	}
	return cli.Result(o.env, o.output, out, "Erased %s: %s stands in %s of the audit log.", who, out.Label, entries(out.Entries))
}

func (o *personOptions) remove(ctx context.Context) (*api.PersonErased, error) {
	if o.email != "" {
		options, err := (&keysOptions{env: o.env, databaseURL: o.databaseURL}).server()
		if err != nil {
			return nil, err
		}
		return server.ErasePerson(ctx, options, o.email)
	}
	c, err := o.root()
	if err != nil {
		return nil, err
	}
	me, err := client.Ask[api.Me](ctx, c, "GET", "/me/", nil)
	if err != nil {
		return nil, err
	}
	if me.ID == (api.Me{}).ID {
		return nil, cli.Fail(cli.Refused, "this server has no accounts, so it keeps nothing about people", "")
	}
	out, err := client.Ask[api.PersonErased](ctx, c, "DELETE", "/users/"+me.ID.String(), nil)
	return &out, err
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return strconv.Itoa(n) + " entries"
}
