package server

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/server"
)

type restoreAccountOptions struct {
	env         *cli.Env
	output      output.Options
	databaseURL string
}

func newRestoreAccountCmd(env *cli.Env) *cobra.Command {
	opts := &restoreAccountOptions{env: env}
	var handle string
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "bring back an account that was deleted, within a week",
		Long: "For who runs the server: it works on the database, where the server's home is. Members, keys, workspaces and secrets are as they were. " +
			"After 7 days the server removes them for good. That it was restored is in the account's audit log.",
		Example: "usher account restore acme\nusher account restore acme --database-url sqlite:////var/lib/usher/usher.db",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context(), handle) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "handle", Value: &handle, Required: true})
	databaseFlag(cmd, &opts.databaseURL)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[server.RestoredAccount]())
	return cmd
}

func (o *restoreAccountOptions) run(ctx context.Context, handle string) error {
	options, err := (&keysOptions{env: o.env, databaseURL: o.databaseURL}).server()
	if err != nil {
		return err
	}
	out, err := server.RestoreAccount(ctx, options, handle)
	if err != nil {
		return err
	}
	return cli.Result(o.env, o.output, out, "Restored account %s.", out.Handle)
}
