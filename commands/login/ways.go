package login

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/auth/oauth"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/profile"
)

// ways are all ways in; which the server has is what offered says.
var (
	throughBrowser  = way{auth.Browser, "in the browser", viaBrowser}
	throughCloud    = way{auth.Key, "in the browser", viaCloud}
	throughMail     = way{auth.MagicLink, "with a link in a mail", viaMail}
	throughDevice   = way{auth.Device, "with a code, in a browser elsewhere", viaDevice}
	withKey         = way{auth.Key, "with an API key", viaKey}
	withPassword    = way{auth.Password, "with a user and password of the server", viaPassword}
	withIdentity    = way{auth.Workload, "with the identity of this job", viaIdentity}
	withEnvironment = way{auth.Key, "with the key of the environment", viaEnvironment}
)

// way finds out how to log in: as a flag says, with what is there already, or as a person
// chooses. A way that gets nothing means that there is nothing to log in to.
func (s *session) way(ctx context.Context) (way, error) {
	switch {
	case s.web && s.server.isCloud:
		return throughCloud, nil
	case s.web:
		return s.needs(throughBrowser)
	case s.email != "":
		return s.needs(throughMail)
	case s.device:
		return s.needs(throughDevice)
	case s.oidc:
		return s.needs(withIdentity)
	case s.withToken, s.Key != "":
		return withKey, nil
	}
	if v := s.settings.Value(cli.KeySetting); v.IsSet() && v.Source != profile.FromProfile {
		return withEnvironment, nil
	}
	open, err := s.server.isOpen(ctx)
	if err != nil {
		return way{}, err
	}
	if open {
		return way{}, s.enter()
	}
	if !s.Env.Interactive() {
		return way{}, cli.Usagef("nobody can be asked here how to log in").
			WithHint("--with-token reads a key from standard input, --api-key-file from a file; --device, --email and --web need a person elsewhere")
	}
	offered := s.offered()
	if len(offered) == 1 {
		return offered[0], nil
	}
	labels := make([]string, len(offered))
	for i, w := range offered {
		labels[i] = w.label
	}
	i, err := s.Env.Streams.Select(ctx, "How do you want to log in to "+auth.Origin(s.server.root)+"?", labels)
	if err != nil {
		return way{}, err
	}
	return offered[i], nil
}

// needs refuses a way that takes an authorization server where there is none.
func (s *session) needs(w way) (way, error) {
	if s.server.auth != nil {
		return w, nil
	}
	hint := "--with-token takes an API key, or user:password"
	if s.server.isCloud {
		hint = "Prefect Cloud has --web and --with-token"
	}
	return w, cli.Fail(cli.Refused, auth.Origin(s.server.root)+" does not offer that way to log in", "%s", hint)
}

// offered are the ways that the server has, the likeliest first.
func (s *session) offered() []way {
	switch {
	case s.server.isCloud:
		return []way{throughCloud, withKey}
	case s.server.auth == nil:
		return []way{withPassword, withKey}
	case !hasBrowser():
		return []way{throughDevice, throughMail, withKey}
	}
	return []way{throughBrowser, throughMail, throughDevice, withKey}
}

// hasBrowser guesses whether a browser would show up before the person.
func hasBrowser() bool {
	if os.Getenv("SSH_CONNECTION") != "" {
		return false
	}
	return runtime.GOOS != "linux" || os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "" || os.Getenv("BROWSER") != ""
}

// enter uses a server that lets everybody in.
func (s *session) enter() error {
	name, err := profileFor(s.Env, s.settings, s.server.root)
	if err != nil {
		return err
	}
	if s.newProfile != "" {
		name = s.newProfile
	}
	if _, err := Settle(s.Env, s.settings, name, Connection{Root: s.server.root, URL: s.server.root}); err != nil {
		return err
	}
	s.Env.Sayf("%s lets everybody in; profile %q leads there.", auth.Origin(s.server.root), name)
	return nil
}

func viaBrowser(ctx context.Context, s *session) (auth.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	return s.server.auth.Browser(ctx, s.openPage)
}

func viaCloud(ctx context.Context, s *session) (auth.Credential, error) {
	key, err := oauth.Cloud(ctx, strings.TrimRight(cloudUI(s.settings), "/"), s.openPage)
	return auth.Credential{Key: key}, err
}

// cloudUI is the web interface of Prefect Cloud: the setting's, or where its API's address says.
func cloudUI(settings *profile.Settings) string {
	if v := settings.Value("PREFECT_CLOUD_UI_URL"); v.Source != profile.FromDefault {
		return v.Text
	}
	root := cloudRoot(settings)
	if host, rest, ok := strings.Cut(strings.TrimPrefix(root, "https://api"), "/"); ok && strings.HasPrefix(root, "https://api") && strings.Contains(host, ".prefect.") {
		root = "https://app" + host + "/" + rest
	}
	return strings.TrimSuffix(root, "/api")
}

// openPage shows an address in the browser. Where none opens, the person can.
func (s *session) openPage(address string) error {
	s.Env.Say("Open this page to log in: " + address)
	if err := s.Env.Browse(address); err != nil {
		s.Env.Say("No browser could be opened here.")
	}
	return nil
}

func viaMail(ctx context.Context, s *session) (auth.Credential, error) {
	if s.email == "" {
		address, err := s.Env.Streams.Input(ctx, "Your e-mail address", "")
		if err != nil {
			return auth.Credential{}, err
		}
		s.email = strings.TrimSpace(address)
	}
	if name, domain, ok := strings.Cut(s.email, "@"); !ok || name == "" || domain == "" || strings.ContainsAny(s.email, " \t\r\n") {
		return auth.Credential{}, cli.Usagef("%q is no e-mail address", s.email)
	}
	return s.server.auth.MagicLink(ctx, s.server.client, s.email, func(m oauth.Mail) {
		s.Env.Sayf("If %s can sign in, a mail is on its way. It must say: %s", s.email, m.Words)
		s.Env.Sayf("Follow its link within %s; approve only if the page says the same.", minutes(m.Lifetime))
	})
}

func viaDevice(ctx context.Context, s *session) (auth.Credential, error) {
	return s.server.auth.Device(ctx, func(c oauth.Code) {
		s.Env.Sayf("Open %s in any browser and type this code: %s", c.Page, s.Env.PaintErr(c.User, strong))
		if c.Complete != "" {
			s.Env.Say("or open " + c.Complete)
			if s.Env.Streams.ErrIsTerminal() {
				s.Env.Say(qrCode(c.Complete))
			}
		}
		s.Env.Sayf("Waiting for it; the code is valid for %s.", minutes(c.Lifetime))
	})
}

func viaKey(ctx context.Context, s *session) (auth.Credential, error) {
	text, err := s.keyText(ctx)
	if err != nil {
		return auth.Credential{}, err
	}
	if user, password, ok := strings.Cut(text, ":"); ok && user != "" && password != "" && s.server.auth == nil && !s.server.isCloud {
		return auth.Credential{Password: auth.NewSecret(text)}, nil
	}
	key, err := cli.ParseKey(text)
	return auth.Credential{Key: key}, err
}

// keyText reads the key where a flag says, or from a person.
func (s *session) keyText(ctx context.Context) (string, error) {
	switch {
	case s.withToken || s.Key == "-":
		return s.readStdin()
	case s.Key != "":
		return strings.TrimSpace(s.Key), nil
	}
	return s.Env.Streams.Secret(ctx, "Paste an API key")
}

func viaPassword(ctx context.Context, s *session) (auth.Credential, error) {
	user, err := s.Env.Streams.Input(ctx, "User", "admin")
	if err != nil {
		return auth.Credential{}, err
	}
	password, err := s.Env.Streams.Secret(ctx, "Password")
	return auth.Credential{Password: auth.NewSecret(user + ":" + password)}, err
}

func viaIdentity(ctx context.Context, s *session) (auth.Credential, error) {
	c, from, err := s.Env.Exchange(ctx, s.settings, s.server.root, s.Env.Job())
	if err == nil {
		s.Env.Say("The identity of this job comes from " + from + ".")
	}
	return c, err
}

func viaEnvironment(_ context.Context, s *session) (auth.Credential, error) {
	key, err := cli.ParseKey(s.settings.Value(cli.KeySetting).Text)
	return auth.Credential{Key: key}, err
}

// mint makes an API key for a person who has a token.
func mint(ctx context.Context, root *client.Client, who me) (auth.Credential, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "somewhere"
	}
	made, err := client.Ask[struct {
		Key string `json:"key"`
	}](ctx, root, "POST", "/users/"+who.ID+"/api_keys", map[string]any{
		"name": "usher@" + host + " " + time.Now().UTC().Format("2006-01-02 15:04:05"), "expiration": time.Now().Add(30 * 24 * time.Hour).UTC().Format(time.RFC3339),
	})
	return auth.Credential{Key: auth.NewSecret(made.Key)}, err
}

// fingerprint names a key without telling anything of it.
func fingerprint(key auth.Secret) string {
	sum := sha256.Sum256([]byte(key.Reveal()))
	return hex.EncodeToString(sum[:4])
}

func minutes(d time.Duration) string {
	if d < 2*time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
