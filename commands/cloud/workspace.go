package cloud

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands/login"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

// root is the client of what is above all workspaces.
func root(env *cli.Env, settings *profile.Settings) (*client.Client, error) {
	return env.ConnectTo(settings, settings.Value("PREFECT_CLOUD_API_URL").Text)
}

// readWorkspaces lists what the login opens, by handle.
func readWorkspaces(ctx context.Context, env *cli.Env, settings *profile.Settings) ([]login.Workspace, error) {
	c, err := root(env, settings)
	if err != nil {
		return nil, err
	}
	return login.Workspaces(ctx, c)
}

func newWorkspaceListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the workspaces that your key opens",
		Example: "usher cloud workspace ls\nusher cloud workspace ls --json workspace_handle",
		RunE:    func(cmd *cobra.Command, _ []string) error { return listWorkspaces(cmd.Context(), env, options) },
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[login.Workspace]())
	return cmd
}

func listWorkspaces(ctx context.Context, env *cli.Env, options output.Options) error {
	settings, err := loggedIn(env)
	if err != nil {
		return err
	}
	all, err := readWorkspaces(ctx, env, settings)
	if err != nil {
		return err
	}
	current := func(w login.Workspace) bool {
		return w.URL(settings.Value("PREFECT_CLOUD_API_URL").Text) == settings.APIURL()
	}
	return output.List(env.Printer(options), all, []output.Column[login.Workspace]{
		{
			Name: "Workspace", Value: login.Workspace.Handle,
			Human: func(w login.Workspace, _ time.Time) string {
				if current(w) {
					return "* " + w.Handle()
				}
				return "  " + w.Handle()
			},
			Tone: func(w login.Workspace) output.Tone {
				if current(w) {
					return output.Good
				}
				return output.Plain
			},
		},
		{Name: "ID", Value: func(w login.Workspace) string { return w.WorkspaceID }, Whole: true, Rank: 1},
		{Name: "Description", Value: func(w login.Workspace) string { return w.WorkspaceDescription }, Rank: 2},
	})
}

func newWorkspaceSetCmd(env *cli.Env) *cobra.Command {
	var handle string
	var options output.Options
	cmd := &cobra.Command{
		Use:     "set",
		Short:   "choose the workspace that the active profile works in",
		Example: "usher cloud workspace set --workspace acme/etl",
		RunE:    func(cmd *cobra.Command, _ []string) error { return setWorkspace(cmd.Context(), env, options, handle) },
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVarP(&handle, "workspace", "w", "", "the `account/workspace` to work in")
	cli.ResultFlags(cmd, &options, output.FieldsOf[login.Workspace]())
	return cmd
}

func setWorkspace(ctx context.Context, env *cli.Env, options output.Options, handle string) error {
	if handle == "" && !env.Interactive() {
		return cli.Usagef("nobody can be asked here, so say --workspace")
	}
	settings, err := loggedIn(env)
	if err != nil {
		return err
	}
	all, err := readWorkspaces(ctx, env, settings)
	if err != nil {
		return err
	}
	var chosen login.Workspace
	if handle == "" {
		chosen, err = login.Pick(ctx, env, all)
	} else {
		chosen, err = login.Named(all, handle)
	}
	if err != nil {
		return err
	}
	if err := login.Keep(env, settings, settings.Active.Name, []profile.Entry{{Name: urlSetting, Value: chosen.URL(settings.Value("PREFECT_CLOUD_API_URL").Text)}}, nil); err != nil {
		return err
	}
	return cli.Result(env, options, chosen, "Profile %q works in %s.", settings.Active.Name, chosen.Handle())
}
