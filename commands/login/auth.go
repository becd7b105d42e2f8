package login

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

// NewAuthCmd makes usher auth.
func NewAuthCmd(env *cli.Env) *cobra.Command {
	logIn, logOut := NewCmd(env), NewLogoutCmd(env)
	logIn.Hidden, logOut.Hidden = true, true // where gh has them
	logIn.Example, logOut.Example = "usher auth login", "usher auth logout"
	cmd := cli.Group("auth", "see who you are logged in as, and switch", nil, func() []*cobra.Command {
		return []*cobra.Command{newStatusCmd(env), newListCmd(env), newSwitchCmd(env), newTokenCmd(env), logIn, logOut}
	})
	cmd.Example = "usher auth status"
	return cmd
}

// status is who requests are made as.
type status struct {
	Server     string     `json:"server"`
	Account    string     `json:"account"`
	Workspace  string     `json:"workspace"`
	Method     string     `json:"method"`
	Expires    *time.Time `json:"expires"`
	LoggedIn   bool       `json:"logged_in"`
	Profile    string     `json:"profile"`
	Sources    sources    `json:"sources"`
	Problem    string     `json:"problem,omitempty"`
	APIURL     string     `json:"api_url"`
	Restricted bool       `json:"-"`
}

// sources say where each part of a status comes from.
type sources struct {
	Server     string `json:"server"`
	Account    string `json:"account"`
	Credential string `json:"credential"`
}

func newStatusCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	var offline bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "show the server, account and workspace in use, and where each comes from",
		Long:  "It ends with exit code 4 if the server does not let you in.",
		Example: "usher auth status\n" +
			"usher auth status --offline --jq .account",
		RunE: func(cmd *cobra.Command, _ []string) error { return showStatus(cmd.Context(), env, options, offline) },
	}
	cli.Positionals(cmd)
	cmd.Flags().BoolVar(&offline, "offline", false, "do not ask the server, and leave the keyring closed")
	cli.OutputFlags(cmd, &options, output.FieldsOf[status]())
	return cmd
}

func showStatus(ctx context.Context, env *cli.Env, options output.Options, offline bool) error {
	settings, err := env.Settings()
	if err != nil {
		return err
	}
	s := status{Server: auth.Origin(settings.APIURL()), APIURL: settings.APIAddress(), Profile: settings.Active.Name}
	s.Sources.Server = from(settings, settings.Value(urlSetting))
	who, err := env.Login(settings, settings.APIURL())
	if err != nil {
		return err
	}
	s.Method, s.Sources.Credential = string(who.Method), who.Source
	if who.Setting != "" {
		s.Sources.Credential = who.Setting + " (" + who.Source + ")"
	}
	if who.Account != nil {
		s.Account, s.Expires = who.Account.Name, who.Account.Expires
		s.Sources.Account = "the active one of the server"
		if v := settings.Value(cli.AccountSetting); v.IsSet() {
			s.Sources.Account = from(settings, v)
		}
	}
	if !offline {
		if err := s.check(ctx, env, settings, who); err != nil {
			s.Problem = auth.Redact(err.Error())
			if printErr := output.Detail(env.Printer(options), s, statusProperties()); printErr != nil {
				return printErr
			}
			return err
		}
	}
	return output.Detail(env.Printer(options), s, statusProperties())
}

// from words where a value comes from.
func from(settings *profile.Settings, v profile.Value) string {
	switch v.Source {
	case profile.FromDefault:
		return "default"
	case profile.FromProfile:
		return "profile " + settings.Active.Name
	}
	return v.Variable + " (" + string(v.Source) + ")"
}

// check asks the server who that is and which workspace it works in.
func (s *status) check(ctx context.Context, env *cli.Env, settings *profile.Settings, login cli.Login) error {
	address := rootOfAPI(settings.APIURL())
	root, err := env.ConnectWith(settings, address, login)
	if err != nil {
		return err
	}
	who, err := client.Ask[me](ctx, root, "GET", "/me/", nil)
	switch {
	case hasNone(err): // a server without users: is the credential of use?
		c, err := env.ConnectWith(settings, settings.APIURL(), login)
		if err != nil {
			return err
		}
		if _, err = c.ReadSettings(ctx); err != nil {
			return err
		}
		s.LoggedIn = login.Method != ""
		return nil
	case err != nil:
		return err
	}
	s.LoggedIn, s.Account = login.Method != "", who.name()
	if s.Sources.Account == "" {
		s.Sources.Account = "the server"
	}
	if login.Method != "" {
		if c, err := login.Credential(ctx); err == nil && !c.Expires.IsZero() && c.Refresh.IsZero() {
			s.Expires = &c.Expires
		}
	}
	all, err := Workspaces(ctx, root)
	if err != nil {
		return nil //nolint:nilerr // who it is is known
	}
	for _, w := range all {
		if w.URL(address) == settings.APIURL() || len(all) == 1 && address == settings.APIURL() {
			s.Workspace = w.Handle()
		}
	}
	return nil
}

func statusProperties() []output.Column[status] {
	with := func(value, source string) string {
		if value == "" || source == "" {
			return value
		}
		return value + "  (" + source + ")"
	}
	return []output.Column[status]{
		{Name: "Server", Value: func(s status) string { return with(s.Server, s.Sources.Server) }, Tone: func(status) output.Tone { return output.Strong }},
		{Name: "Account", Value: func(s status) string { return with(s.Account, s.Sources.Account) }},
		{Name: "Workspace", Value: func(s status) string { return s.Workspace }},
		{Name: "Logged in by", Value: func(s status) string {
			if s.Method == "" {
				return "nobody; requests are made without a key"
			}
			return with(s.Method, s.Sources.Credential)
		}},
		{Name: "Expires", Value: func(s status) string {
			if s.Expires == nil {
				return ""
			}
			return s.Expires.UTC().Format(time.RFC3339)
		}},
		{Name: "Profile", Value: func(s status) string { return s.Profile }},
		{Name: "Problem", Value: func(s status) string { return s.Problem }, Tone: func(status) output.Tone { return output.Bad }},
	}
}

// listed is an account as auth ls shows it.
type listed struct {
	auth.Account
	Active bool `json:"active"`
}

func newListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the accounts that you are logged in to, at all servers",
		Example: "usher auth ls",
		RunE: func(*cobra.Command, []string) error {
			settings, err := env.RawSettings()
			if err != nil {
				return err
			}
			accounts, err := env.Credentials(settings).Accounts()
			if err != nil {
				return err
			}
			current, _ := accounts.Find(settings.APIURL(), settings.Value(cli.AccountSetting).Text)
			list := []listed{}
			for _, a := range accounts.All {
				list = append(list, listed{a, a == current})
			}
			return output.List(env.Printer(options), list, accountColumns())
		},
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, nil)
	return cmd
}

func accountColumns() []output.Column[listed] {
	return []output.Column[listed]{
		{
			Name: "Account", Value: func(a listed) string { return a.Name },
			Human: func(a listed, _ time.Time) string {
				if a.Active {
					return "* " + a.Name
				}
				return "  " + a.Name
			},
			Tone: func(a listed) output.Tone {
				if a.Active {
					return output.Good
				}
				return output.Plain
			},
		},
		{Name: "Server", Value: func(a listed) string { return a.Origin() }, Whole: true},
		{Name: "Logged in by", Value: func(a listed) string { return string(a.Method) }, Rank: 1},
		{Name: "Kept in", Value: func(a listed) string { return string(a.Kept) }, Rank: 2},
	}
}

func newSwitchCmd(env *cli.Env) *cobra.Command {
	var account, server, workspace string
	cmd := &cobra.Command{
		Use:     "switch",
		Short:   "use another account, or another server",
		Long:    "An account of another server is used with the profile that leads there, which becomes the active one.",
		Example: "usher auth switch\nusher auth switch bob@example.com\nusher auth switch --server usher.example.com",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return switchTo(cmd.Context(), env, account, server, workspace)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "account", Value: &account, Complete: completeAccounts(env)})
	cmd.Flags().StringVar(&server, "server", "", "the `address` of the server")
	cmd.Flags().StringVarP(&workspace, "workspace", "w", "", "the `account/workspace` to work in")
	return cmd
}

func switchTo(ctx context.Context, env *cli.Env, name, server, workspace string) error {
	settings, err := env.Settings()
	if err != nil {
		return err
	}
	if server != "" && server != "cloud" {
		if server, err = rootOf(server); err != nil {
			return err
		}
	} else if server == "cloud" {
		server = cloudRoot(settings)
	}
	accounts, err := env.Credentials(settings).Accounts()
	if err != nil {
		return err
	}
	chosen, err := selectAccount(ctx, env, settings, accounts, name, server)
	if err != nil {
		return err
	}
	root, err := env.ConnectWith(settings, chosen.Server, env.LoginOf(settings, chosen))
	if err != nil {
		return err
	}
	connection := Connection{Root: chosen.Server, URL: chosen.Server, Account: chosen.Name}
	all, err := Workspaces(ctx, root)
	switch {
	case hasNone(err):
	case err != nil:
		return err
	default:
		w, err := choose(ctx, env, all, workspace, chosen.Server, settings.APIURL())
		if err != nil {
			return err
		}
		connection.URL = w.URL(chosen.Server)
	}
	if err := env.Credentials(settings).Activate(chosen); err != nil {
		return err
	}
	profileName, err := profileFor(env, settings, chosen.Server)
	if err != nil {
		return err
	}
	if _, err := Settle(env, settings, profileName, connection); err != nil {
		return err
	}
	env.Sayf("Profile %q is %s at %s now.", profileName, chosen.Name, chosen.Origin())
	return nil
}

// selectAccount finds the account that is meant: the only other one, or a person's choice.
func selectAccount(ctx context.Context, env *cli.Env, settings *profile.Settings, accounts auth.Accounts, name, server string) (auth.Account, error) {
	current, _ := accounts.Find(settings.APIURL(), settings.Value(cli.AccountSetting).Text)
	var fitting []auth.Account
	var names []string
	for _, a := range accounts.All {
		names = append(names, a.Name)
		switch {
		case server != "" && a.Origin() != auth.Origin(server):
		case name != "" && a.Name != name && a.Actor != name:
		case name == "" && server == "" && a == current:
		default:
			fitting = append(fitting, a)
		}
	}
	switch {
	case len(fitting) == 1:
		return fitting[0], nil
	case len(fitting) == 0 && name != "":
		return auth.Account{}, cli.NotFound("account", name, names)
	case len(fitting) == 0:
		return auth.Account{}, cli.Fail(cli.NoSuch, "you are logged in to no other account", "`usher login` logs in to one more")
	}
	labels := make([]string, len(fitting))
	for i, a := range fitting {
		labels[i] = a.Name + " at " + a.Origin()
	}
	if !env.Interactive() {
		return auth.Account{}, cli.Usagef("several accounts fit, and nobody can be asked which").WithHint(fmt.Sprintf("say ACCOUNT and --server; there are %v", labels))
	}
	i, err := env.Streams.Select(ctx, "Which account?", labels)
	if err != nil {
		return auth.Account{}, err
	}
	return fitting[i], nil
}

func newTokenCmd(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "token",
		Short:   "print the key or token that lets you in now",
		Long:    "A token is renewed first if it is about to end. Whoever has it can do what you can.",
		Example: "usher auth token",
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := env.Settings()
			if err != nil {
				return err
			}
			login, err := env.Login(settings, settings.APIURL())
			if err != nil {
				return err
			}
			if login.Method == "" {
				return cli.Fail(cli.AuthNeeded, "nobody is logged in at "+auth.Origin(settings.APIURL()), "`usher login` logs in")
			}
			c, err := login.Credential(cmd.Context())
			if err != nil {
				return err
			}
			text := c.Bearer()
			if text.IsZero() {
				text = c.Password
			}
			if text.IsZero() {
				return api.Errorf(api.CodeUnsupported, "the password is in the API URL")
			}
			_, err = fmt.Fprintln(env.Streams.Out, text.Reveal())
			return err
		},
	}
	cli.Positionals(cmd)
	return cmd
}
