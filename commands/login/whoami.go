package login

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// NewWhoamiCmd makes usher whoami.
func NewWhoamiCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "whoami",
		Short:   "show who the server takes you for",
		Example: "usher whoami\nusher whoami --jq .email",
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := rootClient(env)
			if err != nil {
				return err
			}
			who, err := client.Ask[me](cmd.Context(), root, "GET", "/me/", nil)
			if hasNone(err) {
				return cli.WithHint(err, "it has no users; `usher auth status` shows what you send it")
			}
			if err != nil {
				return err
			}
			return output.Detail(env.Printer(options), who, []output.Column[me]{
				{Name: "Name", Value: func(m me) string { return strings.TrimSpace(m.FirstName + " " + m.LastName) }, Tone: func(me) output.Tone { return output.Strong }},
				{Name: "Handle", Value: func(m me) string { return m.Handle }},
				{Name: "Email", Value: func(m me) string {
					if m.isBot() {
						return ""
					}
					return m.Email
				}},
				{Name: "ID", Value: func(m me) string { return m.ID }},
			})
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[me]())
	return cmd
}

// rootOfAPI is the part of an API's URL that is above all accounts.
func rootOfAPI(address string) string {
	root, _, _ := strings.Cut(address, "/accounts/")
	return root
}

// rootClient is the client of what is above all accounts.
func rootClient(env *cli.Env) (*client.Client, error) {
	settings, err := env.Settings()
	if err != nil {
		return nil, err
	}
	return env.ConnectTo(settings, rootOfAPI(settings.APIURL()))
}

// mine asks something below /me.
func mine[T any](ctx context.Context, env *cli.Env, path string) (answer T, err error) {
	root, err := rootClient(env)
	if err != nil {
		return answer, err
	}
	return client.Ask[T](ctx, root, "GET", "/me"+path, nil)
}
