package cloud

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands/login"
	"github.com/usherhq/usher/internal/cli"
)

const (
	keySetting = cli.KeySetting
	urlSetting = "PREFECT_API_URL"
)

func newLoginCmd(env *cli.Env) *cobra.Command {
	opts := &login.Options{Env: env, Server: "cloud"}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "log in to Prefect Cloud, in the browser or with a key, and choose a workspace",
		Long: "The workspace is kept in the active profile, and the key in the keyring of the system; --write-profile puts it into the\n" +
			"profile in the clear, as Prefect does. A script has to say both; the key is best piped in, with --key -, so that it\n" +
			"stands in no history and no list of processes. `usher login` has more ways, and other servers.",
		Example: "usher cloud login --key - --workspace acme/etl < key.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !env.Interactive() && (opts.Key == "" || opts.Workspace == "") {
				return cli.Usagef("nobody can be asked here, so say both --key and --workspace").WithHint("--key - reads the key from standard input")
			}
			return opts.Run(cmd.Context())
		},
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVarP(&opts.Key, "key", "k", "", "a `key` of Prefect Cloud; - reads it from standard input")
	opts.Define(cmd)
	return cmd
}

func newLogoutCmd(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "logout",
		Short:   "forget the key and the workspace of the active profile",
		Long:    "A key itself stays valid: remove it in Prefect Cloud if nobody is to use it any more.",
		Example: "usher cloud logout",
		RunE:    func(cmd *cobra.Command, _ []string) error { return login.Leave(cmd.Context(), env, true) },
	}
	cli.Positionals(cmd)
	return cmd
}
