// Package login holds the commands about who you are: logging in to a server and out again,
// which account is in use, and where you are logged in.
package login

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/auth/oauth"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/profile"
)

// Options are what a login is told.
type Options struct {
	Env       *cli.Env
	Server    string // "" to find out, "cloud" for Prefect Cloud
	Workspace string
	Key       string // an API key, - for standard input

	web, device, oidc, mint bool
	email                   string
	withToken               bool
	keyFile                 string
	insecure, writeProfile  bool
	newProfile              string
	timeout                 time.Duration
}

// NewCmd makes usher login.
func NewCmd(env *cli.Env) *cobra.Command {
	opts := &Options{Env: env}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "log in to a server",
		Long: "Without flags it asks: which server, and how. SERVER is an address, or cloud for Prefect Cloud; without one it is the\n" +
			"server of the active profile. What lets you in is kept in the keyring of the system, never in a profile; without a\n" +
			"keyring in a file that a passphrase seals (asked for, or USHER_CREDENTIALS_PASSPHRASE). Who logs in to a second\n" +
			"server gets a profile for it; `usher auth switch` goes from one to the other.",
		Example: "usher login\n" +
			"usher login https://usher.example.com --web\n" +
			"usher login https://usher.example.com --email ada@example.com\n" +
			"usher login https://usher.example.com --device\n" +
			"usher login --with-token < key.txt\n" +
			"usher login https://usher.example.com --oidc --insecure-storage",
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen := 0
			for _, name := range []string{"web", "email", "device", "with-token", "api-key-file", "oidc"} {
				if cmd.Flags().Changed(name) {
					chosen++
				}
			}
			if chosen > 1 {
				return cli.Usagef("choose one of --web, --email, --device, --with-token, --api-key-file and --oidc")
			}
			return opts.Run(cmd.Context())
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "server", Value: &opts.Server})
	flags := cmd.Flags()
	flags.BoolVar(&opts.web, "web", false, "log in through the browser")
	flags.StringVar(&opts.email, "email", "", "have a link mailed to this `address`")
	flags.BoolVar(&opts.device, "device", false, "show a code to type in a browser elsewhere")
	flags.BoolVar(&opts.withToken, "with-token", false, "read an API key (or user:password of a server of Prefect's) from standard input")
	flags.StringVar(&opts.keyFile, "api-key-file", "", "read an API key from a `file`")
	flags.BoolVar(&opts.oidc, "oidc", false, "log in with the identity that this job of a CI system or cluster has")
	flags.BoolVar(&opts.mint, "api-key", false, "make an API key for 30 days and keep that, instead of tokens that are renewed")
	flags.DurationVar(&opts.timeout, "timeout", 0, "give up after this `time` (browser 5m, Prefect Cloud 2m, codes and links as long as they last)")
	flags.StringVar(&opts.newProfile, "new-profile", "", "make a profile of this `name` for it")
	opts.Define(cmd)
	return cmd
}

// Define adds the flags that usher cloud login has too.
func (o *Options) Define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.Workspace, "workspace", "w", "", "the `account/workspace` to work in")
	flags.BoolVar(&o.insecure, "insecure-storage", false, "keep what lets you in in a plain file")
	flags.BoolVar(&o.writeProfile, "write-profile", false, "write the API key into the profile in the clear, where Prefect's programs find it")
}

// way is how somebody logs in.
type way struct {
	method auth.Method
	label  string
	get    func(context.Context, *session) (auth.Credential, error)
}

// session is one login under way.
type session struct {
	*Options
	settings *profile.Settings
	server   *server
	borrowed bool // a variable has the key, and nothing is kept
	settled  bool // it was kept, so what was got stays valid
}

// Run logs in. Whatever stops it leaves nothing behind: what was got is given back.
func (o *Options) Run(ctx context.Context) error {
	settings, err := o.Env.Settings()
	if err != nil {
		return err
	}
	if o.keyFile != "" {
		key, err := cli.ReadKeyFile(o.keyFile)
		if err != nil {
			return err
		}
		o.Key = key.Reveal()
	}
	root, err := o.root(ctx, settings)
	if err != nil {
		return err
	}
	s := &session{Options: o, settings: settings}
	if s.server, err = find(ctx, o.Env, settings, root); err != nil {
		return err
	}
	if o.newProfile != "" {
		profiles, err := profile.Open(settings.Paths)
		if err != nil {
			return err
		}
		if _, there := profiles.Find(o.newProfile); there {
			return cli.Fail(cli.Refused, "a profile named "+o.newProfile+" is there already", "`usher --profile %s login` logs in with it", o.newProfile)
		}
	}
	w, err := s.way(ctx)
	if err != nil || w.get == nil {
		return err
	}
	if w.method != auth.Key {
		if err := s.unhidden(""); err != nil {
			return err
		}
	}
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	credential, err := w.get(ctx, s)
	if err != nil {
		return s.explain(w, err)
	}
	defer s.giveBack(ctx, credential)
	if err := s.unhidden(credential.Key.Reveal()); err != nil {
		return err
	}
	if v := settings.Value(cli.KeySetting); v.IsSet() && v.Source != profile.FromProfile {
		s.borrowed = true // it has the same key
	}
	return s.settle(ctx, w.method, credential)
}

// root finds the server.
func (o *Options) root(ctx context.Context, settings *profile.Settings) (string, error) {
	switch {
	case o.Server == "cloud":
		return cloudRoot(settings), nil
	case o.Server != "":
		return rootOf(o.Server)
	case settings.Value(urlSetting).IsSet():
		root, _, _ := strings.Cut(settings.APIURL(), "/accounts/")
		if strings.Contains(root, "@") {
			return "", cli.Fail(cli.Refused, "the API URL has a password in it, which lets you in already", "`usher config set %s=…` takes an address without one", urlSetting)
		}
		return root, nil
	case !o.Env.Interactive():
		return "", cli.Usagef("say which server: usher login https://usher.example.com, or usher login cloud")
	}
	i, err := o.Env.Streams.Select(ctx, "Which server?", []string{"Prefect Cloud", "the one of this machine, " + profile.DefaultAPIURL, "another"})
	switch {
	case err != nil:
		return "", err
	case i == 0:
		return cloudRoot(settings), nil
	case i == 1:
		return profile.DefaultAPIURL, nil
	}
	address, err := o.Env.Streams.Input(ctx, "Its address", "https://")
	if err != nil {
		return "", err
	}
	return rootOf(address)
}

// unhidden refuses a login that a variable would hide, unless that has the same key.
func (s *session) unhidden(key string) error {
	for _, name := range []string{cli.KeySetting, cli.AuthStringSetting, cli.KeyFileSetting} {
		v := s.settings.Value(name)
		if v.IsSet() && v.Source != profile.FromProfile && (name != cli.KeySetting || v.Text != key) {
			return cli.Fail(cli.Refused, v.Variable+" is set ("+string(v.Source)+") and would still be used", "unset it, then log in again")
		}
	}
	return nil
}

// settle asks who that is and what it opens, and keeps all of it.
func (s *session) settle(ctx context.Context, method auth.Method, c auth.Credential) error {
	o := s.Options
	login := cli.Login{Method: method, Credential: func(context.Context) (auth.Credential, error) { return c, nil }}
	root, err := s.Env.ConnectWith(s.settings, s.server.root, login)
	if err != nil {
		return err
	}
	who, workspaces, err := s.look(ctx, root, c)
	if err != nil {
		return err
	}
	connection := Connection{Root: s.server.root, URL: s.server.root}
	what := auth.Origin(s.server.root)
	if workspaces != nil {
		chosen, err := choose(ctx, o.Env, workspaces, o.Workspace, s.server.root, s.settings.APIURL())
		if err != nil {
			return err
		}
		connection.URL = chosen.URL(s.server.root)
		what = chosen.Handle()
	} else if o.Workspace != "" {
		return cli.Usagef("%s has no workspaces", auth.Origin(s.server.root))
	}
	if s.mint && method != auth.Key {
		if c, err = mint(ctx, root, who); err != nil {
			return err
		}
		method = auth.Key
	}
	switch {
	case s.borrowed:
		o.Env.Say("The key stays where it is, in " + s.settings.Value(cli.KeySetting).Variable + ".")
	case o.writeProfile:
		if c.Key.IsZero() {
			return cli.Usagef("--write-profile writes an API key").WithHint("add --api-key, which makes one")
		}
		connection.Key = c.Key
		o.Env.Warn("the key is in the profile in the clear, for whoever can read the file")
	default:
		account := auth.Account{Server: s.server.root, Actor: who.ID, Name: who.name(), Method: method}
		if account, err = o.Env.Credentials(s.settings).Save(ctx, account, c, o.insecure); err != nil {
			return err
		}
		connection.Account = account.Name
		if account.Kept == auth.Plain {
			o.Env.Warn("what lets you in is in a plain file, for whoever can read it")
		}
	}
	s.settled = true
	name := o.newProfile
	if name == "" {
		if name, err = profileFor(o.Env, s.settings, s.server.root); err != nil {
			return err
		}
	}
	if _, err := Settle(o.Env, s.settings, name, connection); err != nil {
		return err
	}
	o.Env.Sayf("Logged in as %s; profile %q works in %s.", who.name(), name, what)
	return nil
}

// look asks who has the credential and which workspaces it opens; nil if the server has none.
func (s *session) look(ctx context.Context, root *client.Client, c auth.Credential) (me, []Workspace, error) {
	workspaces, err := Workspaces(ctx, root)
	switch {
	case hasNone(err) && !s.server.isCloud:
		who, _, _ := strings.Cut(c.Password.Reveal(), ":")
		if who == "" {
			who = "key " + fingerprint(c.Key)
		}
		if _, err := root.Do(ctx, "GET", "/admin/settings", nil); err != nil { // something that not everybody is told
			return me{}, nil, s.refused(c, err)
		}
		return me{ID: who, Handle: who}, nil, nil
	case err != nil:
		return me{}, nil, s.refused(c, err)
	}
	who, err := client.Ask[me](ctx, root, "GET", "/me/", nil)
	if err != nil || who.ID == "" && who.Handle == "" { // Prefect Cloud may not tell a service account who it is
		who = me{ID: "key-" + fingerprint(c.Bearer()), Handle: "key " + fingerprint(c.Bearer())}
	}
	if who.ID == "" {
		who.ID = who.name()
	}
	if workspaces == nil {
		workspaces = []Workspace{}
	}
	return who, workspaces, nil
}

// refused says of a credential that is not taken what may be wrong with it.
func (s *session) refused(c auth.Credential, err error) error {
	if code := api.CodeOf(err); code != api.CodeUnauthenticated && code != api.CodeForbidden {
		return err
	}
	where := auth.Origin(s.server.root)
	if s.server.isCloud {
		where = "Prefect Cloud"
	}
	key, hint, what := c.Key.Reveal(), "check that it is whole and still valid", "this key"
	switch {
	case !c.Password.IsZero():
		what, hint = "this password", "it is user:password, as PREFECT_SERVER_API_AUTH_STRING of the server has it"
	case strings.HasPrefix(key, "pcu"):
		hint = "it is of the first Prefect Cloud, which is no more; make a new one"
	case key != "" && !strings.HasPrefix(key, "pnu_") && !strings.HasPrefix(key, "pnb_"):
		hint = "a key begins with pnu_ (a person's) or pnb_ (a service account's)"
	}
	return cli.Fail(cli.AuthNeeded, where+" does not take "+what, "%s", hint)
}

// giveBack ends a credential that was got and could not be kept.
func (s *session) giveBack(ctx context.Context, c auth.Credential) {
	if s.settled && !s.mint || s.server.auth == nil {
		return
	}
	token := c.Refresh
	if token.IsZero() {
		token = c.Access
	}
	if token.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.server.auth.Revoke(ctx, token) // it ends by itself if that fails
}

// explain adds to an error what else can be tried.
func (s *session) explain(w way, err error) error {
	var refused *oauth.Refused
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused) && refused.Reason == "expired_token":
		return cli.Fail(cli.TimedOut, err.Error(), "try again")
	case errors.As(err, &refused):
		return cli.Fail(cli.Failure, "you are not logged in: "+err.Error(), "")
	case errors.Is(err, context.DeadlineExceeded):
		hint := "`--device` logs in from another machine; `--with-token` takes an API key"
		if s.server.isCloud {
			hint = "`--with-token` takes an API key"
		}
		return cli.Fail(cli.TimedOut, "nobody logged in through the "+string(w.method)+" in time", "%s", hint)
	}
	return err
}

func (o *Options) readStdin() (string, error) {
	text, err := io.ReadAll(io.LimitReader(o.Env.Streams.In, 64<<10))
	return strings.TrimSpace(string(text)), err
}
