package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/store"
)

// NewKeysCmd makes usher keys. It is here because it works on a server's database.
func NewKeysCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("keys", "show and rotate the keys that seal secrets", nil, func() []*cobra.Command {
		return []*cobra.Command{newKeysStatusCmd(env), newKeysRotateCmd(env)}
	})
	cmd.Example = "usher keys status\nusher keys rotate"
	return cmd
}

type keysOptions struct {
	env         *cli.Env
	output      output.Options
	databaseURL string
	workspace   string
	master      bool
}

func (o *keysOptions) databaseFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.databaseURL, "database-url", "", "the server's: sqlite:///FILE or postgres://… (default: usher.db below USHER_HOME)")
}

func newKeysStatusCmd(env *cli.Env) *cobra.Command {
	opts := &keysOptions{env: env}
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "show which keys the secrets of each workspace have",
		Example: "usher keys status",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.status(cmd.Context()) },
	}
	cli.Positionals(cmd)
	opts.databaseFlag(cmd)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[server.KeyLine]())
	return cmd
}

func (o *keysOptions) status(ctx context.Context) error {
	options, err := o.server()
	if err != nil {
		return err
	}
	list, err := server.Keys(ctx, options)
	if err != nil {
		return err
	}
	return output.List(o.env.Printer(o.output), list, keyColumns())
}

func newKeysRotateCmd(env *cli.Env) *cobra.Command {
	opts := &keysOptions{env: env}
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "make new keys and seal the secrets with them",
		Long: "Gives each workspace a new key and seals its secrets with it, while the server runs. What is interrupted goes on with the same command, or by itself in the server. " +
			"With --master it is the master key that is made anew; nothing is sealed again but the keys below it. Servers on other machines need the new master key first: put it before the old one in their files, a line each.",
		Example: "usher keys rotate --workspace default\nusher keys rotate --master",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.rotate(cmd.Context()) },
	}
	cli.Positionals(cmd)
	opts.databaseFlag(cmd)
	cmd.Flags().StringVar(&opts.workspace, "workspace", "", "only the workspace of this name or id")
	cmd.Flags().BoolVar(&opts.master, "master", false, "replace the master key")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[rotated]())
	return cmd
}

func (o *keysOptions) rotate(ctx context.Context) error {
	if o.master && o.workspace != "" {
		return cli.Usagef("the master key is not of one workspace: leave out --workspace or --master")
	}
	options, err := o.server()
	if err != nil {
		return err
	}
	if o.master {
		return o.rotateMaster(ctx, options)
	}
	printer, done := o.env.Printer(o.output), []rotated{}
	err = server.RotateKeys(ctx, options, o.workspace, func(workspace string, version int) {
		done = append(done, rotated{Workspace: workspace, Version: version})
		if !printer.Structured() {
			o.env.Sayf("All secrets of workspace %s are sealed with key %d.", workspace, version)
		}
	})
	if err != nil || !printer.Structured() {
		return err
	}
	return printer.Value(done)
}

// rotated is a key that was made anew: of a workspace, or the master key.
type rotated struct {
	Workspace string `json:"workspace,omitempty"`
	Version   int    `json:"version,omitempty"`
	Master    string `json:"master_key,omitempty"`
}

func (o *keysOptions) rotateMaster(ctx context.Context, options server.Options) error {
	name, done, err := server.RotateMaster(ctx, options)
	if err != nil {
		return err
	}
	words := fmt.Sprintf("Master key %s, in %s, seals the keys. Keep a copy of it.", name, options.Keys)
	if !done {
		words += fmt.Sprintf("\nTake the old one out of %s now.", options.Keys)
	}
	return cli.Results(o.env, o.output, []rotated{{Master: name}}, "%s", words)
}

func (o *keysOptions) server() (server.Options, error) {
	settings, err := o.env.Settings()
	if err != nil {
		return server.Options{}, err
	}
	url, err := databaseURL(o.databaseURL, settings)
	return server.Options{
		Database: store.Config{URL: url}, Log: slog.New(slog.NewTextHandler(o.env.Streams.Err, nil)), Clock: o.env.Now,
		Keys: crypt.NewKeeper(os.Getenv(crypt.Variable), settings.Home()),
	}, err
}

func keyColumns() []output.Column[server.KeyLine] {
	return []output.Column[server.KeyLine]{
		{Name: "Workspace", Value: func(l server.KeyLine) string { return l.Workspace }, Tone: func(server.KeyLine) output.Tone { return output.Strong }},
		{Name: "Key", Value: func(l server.KeyLine) string { return strconv.Itoa(l.Version) }, Right: true},
		{Name: "State", Value: func(l server.KeyLine) string { return l.State }},
		{Name: "Secrets", Value: func(l server.KeyLine) string { return strconv.Itoa(l.Secrets) }, Right: true},
		{
			Name: "Made", Value: func(l server.KeyLine) string { return output.Stamp(&l.Created) },
			Human: func(l server.KeyLine, now time.Time) string { return output.TimePtr(now, &l.Created) }, Rank: 1,
		},
		{Name: "Master key", Value: func(l server.KeyLine) string { return l.MasterKey }, Rank: 2},
	}
}
