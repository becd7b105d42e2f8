// Package cloud holds the commands about Prefect Cloud: logging in, workspaces, webhooks,
// allowed addresses and assets. No other server has them.
package cloud

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands/asset"
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/profile"
)

// NewCmd makes usher cloud.
func NewCmd(env *cli.Env) *cobra.Command {
	workspaces := cli.Group("workspace", "see, choose and make the workspaces of Prefect Cloud", []string{"workspaces"}, func() []*cobra.Command {
		return []*cobra.Command{newWorkspaceListCmd(env), newWorkspaceSetCmd(env), newWorkspaceCreateCmd(env)}
	})
	workspaces.Example = "usher cloud workspace ls"
	cmd := cli.Group("cloud", "log in to Prefect Cloud and look after what only it has", nil, func() []*cobra.Command {
		return []*cobra.Command{
			newLoginCmd(env),
			newLogoutCmd(env),
			workspaces,
			newWebhookCmd(env),
			newAllowlistCmd(env),
			asset.NewCloudCmd(env, workspace),
		}
	})
	cmd.Example = "usher cloud login --key - --workspace acme/etl < key.txt\nusher cloud workspace ls"
	return cmd
}

// loggedIn returns the settings of somebody who is logged in at Prefect Cloud, or a server
// that has what it has.
func loggedIn(env *cli.Env) (*profile.Settings, error) {
	settings, err := env.Settings()
	if err != nil {
		return nil, err
	}
	who, err := env.Login(settings, settings.Value("PREFECT_CLOUD_API_URL").Text)
	if err == nil && who.Method == "" && settings.ServerType() != profile.Cloud {
		err = cli.Fail(cli.AuthNeeded, "profile "+settings.Active.Name+" has no key of Prefect Cloud", "`usher cloud login` logs in")
	}
	return settings, err
}

// workspace is the client of the workspace that the settings choose.
func workspace(env *cli.Env) (*client.Client, error) {
	settings, err := chosen(env)
	if err != nil {
		return nil, err
	}
	return env.Connect(settings)
}

// account is the client of that workspace's account.
func account(env *cli.Env) (*client.Client, error) {
	settings, err := chosen(env)
	if err != nil {
		return nil, err
	}
	url, _, _ := strings.Cut(settings.APIURL(), "/workspaces/")
	return env.ConnectTo(settings, url)
}

func chosen(env *cli.Env) (*profile.Settings, error) {
	settings, err := loggedIn(env)
	if err == nil && !strings.Contains(settings.APIURL(), "/workspaces/") {
		return nil, cli.Fail(cli.Refused, settings.APIURL()+" is no workspace of Prefect Cloud", "`usher cloud workspace set` chooses one")
	}
	return settings, err
}

// missing words the absence of what was asked for.
func missing(noun, name string, err error) error {
	if api.CodeOf(err) == api.CodeNotFound {
		return cli.NotFound(noun, name, nil)
	}
	return err
}
