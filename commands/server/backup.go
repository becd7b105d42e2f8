package server

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/server"
)

type backupOptions struct {
	keysOptions
	file string
}

func newBackupCmd(env *cli.Env) *cobra.Command {
	opts := &backupOptions{keysOptions: keysOptions{env: env}}
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "copy the server's database to a file, while the server runs",
		Long: "The copy is of one moment and whole. The master key is not in it: keep that elsewhere, for without it nobody reads the secrets of the copy, you included. " +
			"Databases of PostgreSQL are copied with its own programs.",
		Example: "usher server backup usher-monday.db",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.backup(cmd.Context()) },
	}
	opts.flags(cmd)
	return cmd
}

func newRestoreCmd(env *cli.Env) *cobra.Command {
	opts := &backupOptions{keysOptions: keysOptions{env: env}}
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "put a copy where the server's database belongs",
		Long: "For a place without a database, with the master key in it (master.key in the server's home, or USHER_ENCRYPTION_KEY). The copy is read whole, brought up to date and tried with the key first; " +
			"if something is wrong with it, nothing is there afterwards. The server must not run.",
		Example: "usher server restore usher-monday.db",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.restore(cmd.Context()) },
	}
	opts.flags(cmd)
	return cmd
}

func (o *backupOptions) flags(cmd *cobra.Command) {
	cli.Positionals(cmd, cli.Positional{Name: "file", Value: &o.file, Required: true})
	o.databaseFlag(cmd)
	cli.ResultFlags(cmd, &o.output, output.FieldsOf[server.Copied]())
}

func (o *backupOptions) backup(ctx context.Context) error {
	options, err := o.server()
	if err != nil {
		return err
	}
	out, err := server.Backup(ctx, options, o.file)
	if err != nil {
		return err
	}
	return cli.Result(o.env, o.output, out, "Copied %s to %s, %d bytes. The key to its secrets is in %s: keep a copy of that, too, and not beside this one.", out.Database, out.File, out.Bytes, options.Keys)
}

func (o *backupOptions) restore(ctx context.Context) error {
	options, err := o.server()
	if err != nil {
		return err
	}
	out, err := server.Restore(ctx, options, o.file)
	if err != nil {
		return err
	}
	return cli.Result(o.env, o.output, out, "Restored %s from %s; its secrets can be read. Erase again whom you have erased since: usher account erase-person.", out.Database, out.File)
}
