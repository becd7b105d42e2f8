package cloud

import (
	"cmp"
	"context"
	"strings"
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

// createOptions are what a new workspace is made of.
type createOptions struct {
	env                              *cli.Env
	handle, account, name, describes string
	set                              bool
	output                           output.Options
}

func newWorkspaceCreateCmd(env *cli.Env) *cobra.Command {
	opts := &createOptions{env: env}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "make a workspace",
		Long:    "HANDLE is what the workspace is called in account/workspace. The account is that of the active profile, unless you are\na member of one only; --account names another.",
		Example: "usher cloud workspace create etl\nusher cloud workspace create etl --account acme --set",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "handle", Value: &opts.handle, Required: true})
	flags := cmd.Flags()
	flags.StringVar(&opts.account, "account", "", "the `handle` of the account that gets it")
	flags.StringVar(&opts.name, "name", "", "its name for people (its handle)")
	flags.StringVarP(&opts.describes, "description", "d", "", "what it is for")
	flags.BoolVar(&opts.set, "set", false, "work in it from now on, with the active profile")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[login.Workspace]())
	return cmd
}

// memberOf is an account that the login is a member of.
type memberOf struct {
	ID     string `json:"account_id"`
	Handle string `json:"account_handle"`
}

func (o *createOptions) run(ctx context.Context) error {
	settings, err := loggedIn(o.env)
	if err != nil {
		return err
	}
	at := settings.Value("PREFECT_CLOUD_API_URL").Text
	c, err := root(o.env, settings)
	if err != nil {
		return err
	}
	all, err := client.Ask[[]memberOf](ctx, c, "GET", "/me/accounts", nil)
	if err != nil {
		return err
	}
	account, err := o.choose(all, settings.APIURL())
	if err != nil {
		return err
	}
	body := map[string]any{"name": cmp.Or(o.name, o.handle), "handle": o.handle, "description": o.describes}
	made, err := client.Ask[struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Handle string `json:"handle"`
	}](ctx, c, "POST", "/accounts/"+account.ID+"/workspaces/", body)
	if err != nil {
		return err
	}
	w := login.Workspace{AccountID: account.ID, AccountHandle: account.Handle, WorkspaceID: made.ID, WorkspaceName: made.Name, WorkspaceHandle: made.Handle, WorkspaceDescription: o.describes}
	if o.set {
		if err := login.Keep(o.env, settings, settings.Active.Name, []profile.Entry{{Name: urlSetting, Value: w.URL(at)}}, nil); err != nil {
			return err
		}
		return cli.Result(o.env, o.output, w, "Made the workspace %s; profile %q works in it.", w.Handle(), settings.Active.Name)
	}
	return cli.Result(o.env, o.output, w, "Made the workspace %s. `usher cloud workspace set -w %s` works in it.", w.Handle(), w.Handle())
}

// choose finds the account that gets the workspace.
func (o *createOptions) choose(all []memberOf, current string) (memberOf, error) {
	var handles []string
	for _, a := range all {
		handles = append(handles, a.Handle)
		if o.account == a.Handle || o.account == "" && (len(all) == 1 || strings.Contains(current, "/accounts/"+a.ID+"/")) {
			return a, nil
		}
	}
	if o.account != "" {
		return memberOf{}, cli.NotFound("account", o.account, handles)
	}
	return memberOf{}, cli.Usagef("you are a member of %s: say which with --account", strings.Join(handles, ", "))
}
