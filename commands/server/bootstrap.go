package server

import (
	"cmp"
	"context"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/server"
)

type bootstrapOptions struct {
	env         *cli.Env
	output      output.Options
	databaseURL string
	email       string
	account     string
	workspace   string
}

// bootstrapped is what scripts read.
type bootstrapped struct {
	AccountID   string `json:"account_id"`
	WorkspaceID string `json:"workspace_id"`
	UserID      string `json:"user_id"`
	APIKey      string `json:"api_key"`
	APIURL      string `json:"api_url"`
}

func newBootstrapCmd(env *cli.Env) *cobra.Command {
	opts := &bootstrapOptions{env: env}
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "make the first account of a server, its owner and a key",
		Long: "Works on the server's database, where the server's home is, while the server runs or before. The account gets a workspace; what the server holds already becomes that workspace's. " +
			"The owner signs in with the address; the key holds for 90 days and is not shown again. Nobody can be refused entry before the server runs with USHER_AUTH_MODE=full.",
		Example: "usher server bootstrap --email ada@example.com --account acme --workspace main -o json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	databaseFlag(cmd, &opts.databaseURL)
	flags := cmd.Flags()
	flags.StringVar(&opts.email, "email", "", "the owner's address")
	flags.StringVar(&opts.account, "account", "", "the account's handle")
	flags.StringVar(&opts.workspace, "workspace", "default", "the handle of its first workspace")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[bootstrapped]())
	return cmd
}

func (o *bootstrapOptions) run(ctx context.Context) error {
	if o.email == "" || o.account == "" {
		return cli.Usagef("say who owns the server: --email ADDRESS --account HANDLE")
	}
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	keys := keysOptions{env: o.env, databaseURL: o.databaseURL}
	options, err := keys.server()
	if err != nil {
		return err
	}
	made, err := server.Bootstrap(ctx, options, o.email, o.account, o.workspace)
	if err != nil {
		return err
	}
	root := publicURL(settings) + "/api"
	out := bootstrapped{
		AccountID: made.AccountID.String(), WorkspaceID: made.WorkspaceID.String(), UserID: made.UserID.String(), APIKey: made.APIKey,
		APIURL: root + "/accounts/" + made.AccountID.String() + "/workspaces/" + made.WorkspaceID.String(),
	}
	if settings.Value("USHER_AUTH_MODE").Text != "full" {
		o.env.Say("Start the server with USHER_AUTH_MODE=full: until then it lets everybody in.")
	}
	o.env.Say("Keep the key; it is not shown again.")
	return output.Detail(o.env.Printer(o.output), out, bootstrapColumns())
}

// publicURL is where clients reach the server, without a slash at the end.
func publicURL(settings *profile.Settings) string {
	if url := strings.TrimRight(settings.Value("USHER_SERVER_PUBLIC_URL").Text, "/"); url != "" {
		return url
	}
	host := cmp.Or(settings.Value("PREFECT_SERVER_API_HOST").Text, "127.0.0.1")
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http://"
	if tlsOf(settings).On() {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, settings.Value("PREFECT_SERVER_API_PORT").Text)
}

func bootstrapColumns() []output.Column[bootstrapped] {
	return []output.Column[bootstrapped]{
		{Name: "Account ID", Value: func(b bootstrapped) string { return b.AccountID }, Whole: true},
		{Name: "Workspace ID", Value: func(b bootstrapped) string { return b.WorkspaceID }, Whole: true},
		{Name: "User ID", Value: func(b bootstrapped) string { return b.UserID }, Whole: true},
		{Name: "API key", Value: func(b bootstrapped) string { return b.APIKey }, Whole: true},
		{Name: "API URL", Value: func(b bootstrapped) string { return b.APIURL }, Whole: true},
	}
}
