package cli

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/auth/oauth"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/profile"
)

// The settings that say who you are.
const (
	KeySetting        = "PREFECT_API_KEY"
	AuthStringSetting = "PREFECT_API_AUTH_STRING"
	KeyFileSetting    = "USHER_API_KEY_FILE"
	AccountSetting    = "USHER_API_ACCOUNT"
	PassphraseSetting = "USHER_CREDENTIALS_PASSPHRASE"
)

// Login is who requests to a server are made as.
type Login struct {
	// Method is how it came about, "" for nobody: the server lets everybody in, or refuses.
	Method auth.Method
	// Source says where the credential comes from: a source of settings or the place of a secret.
	Source string
	// Setting is the variable that has it, "" if none does.
	Setting string
	// Account is who is logged in, nil if a setting has the credential.
	Account *auth.Account
	// Credential returns what lets in at the moment.
	Credential func(ctx context.Context) (auth.Credential, error)
}

// steady is a login whose credential does not change.
func steady(method auth.Method, source, setting string, c auth.Credential) Login {
	return Login{Method: method, Source: source, Setting: setting, Credential: func(context.Context) (auth.Credential, error) { return c, nil }}
}

// Credentials returns the store of credentials of this user.
func (e *Env) Credentials(settings *profile.Settings) *auth.Store {
	e.store.Do(func() {
		s := auth.Open(settings.Home())
		s.Now = e.Now
		s.Passphrase = func(ctx context.Context, isNew bool) (auth.Secret, error) { return e.passphrase(ctx, settings, isNew) }
		if e.Interactive() {
			s.Patience = time.Minute // a person may be typing the password of the keyring
			s.Waiting = func() { e.Say("Waiting for the keyring to be unlocked …") }
		}
		e.credentials = s
	})
	return e.credentials
}

// passphrase is what seals the file of credentials: the setting's, or a person's.
func (e *Env) passphrase(ctx context.Context, settings *profile.Settings, isNew bool) (auth.Secret, error) {
	if v := settings.Value(PassphraseSetting); v.IsSet() {
		return auth.NewSecret(v.Text), nil
	}
	if !e.Interactive() {
		return auth.Secret{}, nil
	}
	if !isNew {
		text, err := e.Streams.Secret(ctx, "Passphrase of the credentials")
		return auth.NewSecret(text), err
	}
	e.Say("No keyring can be used here, so the login is kept in a file that a passphrase seals.")
	text, err := e.Streams.Secret(ctx, "Choose a passphrase")
	if err != nil || text == "" {
		return auth.Secret{}, err
	}
	again, err := e.Streams.Secret(ctx, "Once more")
	if err == nil && again != text {
		err = Usagef("the two passphrases differ")
	}
	return auth.NewSecret(text), err
}

// Login finds out who requests to a URL are made as. Nothing secret is read from the keyring
// or another place of credentials before Credential is called. What a setting above the
// profile says counts most, then what the job was given as its identity, then who is logged
// in, then the profile.
func (e *Env) Login(settings *profile.Settings, address string) (Login, error) {
	fromProfile := Login{}
	for _, setting := range []struct {
		name   string
		method auth.Method
	}{{KeySetting, auth.Key}, {KeyFileSetting, auth.Key}, {AuthStringSetting, auth.Password}} {
		v := settings.Value(setting.name)
		if !v.IsSet() {
			continue
		}
		login, err := ofSetting(v, setting.method)
		if err != nil || v.Source != profile.FromProfile {
			return login, err
		}
		if fromProfile.Method == "" {
			fromProfile = login
		}
	}
	if v := settings.Value("PREFECT_API_URL"); hasUser(address) {
		return steady(auth.Password, string(v.Source), v.Variable, auth.Credential{}), nil // the client takes it from there
	}
	job := e.Job()
	if job.Configured() {
		return e.exchanged(settings, address, job), nil
	}
	account := settings.Value(AccountSetting)
	if fromProfile.Method != "" && !account.IsSet() {
		return fromProfile, nil
	}
	accounts, err := e.Credentials(settings).Accounts()
	if err != nil {
		return Login{}, err
	}
	if found, ok := accounts.Find(address, account.Text); ok {
		return e.LoginOf(settings, found), nil
	}
	if account.IsSet() && account.Source != profile.FromProfile {
		return Login{}, Fail(AuthNeeded, account.Text+", whom "+account.Variable+" names, is not logged in at "+auth.Origin(address), "`usher auth status` lists who is")
	}
	if fromProfile.Method == "" && job.Has() && settings.ServerType() != profile.Cloud {
		return e.exchanged(settings, address, job), nil
	}
	return fromProfile, nil
}

// hasUser reports whether a URL says itself who the user is.
func hasUser(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User != nil
}

// ofSetting is the login of a setting that has the credential, or names the file that does.
func ofSetting(v profile.Value, method auth.Method) (Login, error) {
	c := auth.Credential{Key: auth.NewSecret(v.Text)}
	switch v.Setting.Name() {
	case AuthStringSetting:
		c = auth.Credential{Password: auth.NewSecret(v.Text)}
	case KeyFileSetting:
		key, err := ReadKeyFile(v.Text)
		if err != nil {
			return Login{}, err
		}
		c.Key = key
	}
	return steady(method, string(v.Source), v.Variable, c), nil
}

// ReadKeyFile reads an API key from a file.
func ReadKeyFile(path string) (auth.Secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return auth.Secret{}, api.Errorf(api.CodeInvalid, "read the API key: %w", err)
	}
	return ParseKey(string(text))
}

// ParseKey reads an API key from a text with blanks around it.
func ParseKey(text string) (auth.Secret, error) {
	key := auth.NewSecret(strings.TrimSpace(text))
	if err := auth.CheckKey(key.Reveal()); err != nil {
		return auth.Secret{}, &Error{Code: Usage, Cause: err}
	}
	return key, nil
}

// LoginOf is the login of an account.
func (e *Env) LoginOf(settings *profile.Settings, a auth.Account) Login {
	tokens := e.Credentials(settings).Tokens(a, func(ctx context.Context, refresh auth.Secret) (auth.Credential, error) {
		server, err := e.AuthServer(ctx, settings, a.Server)
		if err != nil {
			return auth.Credential{}, err
		}
		return server.Refresh(ctx, refresh)
	})
	return Login{Method: a.Method, Source: string(a.Kept), Account: &a, Credential: tokens.Credential}
}

// AuthServer is the authorization server of an API.
func (e *Env) AuthServer(ctx context.Context, settings *profile.Settings, url string) (*oauth.Server, error) {
	c, err := e.ConnectAs(settings, auth.Origin(url), "")
	if err != nil {
		return nil, err
	}
	server, ok, err := oauth.Discover(ctx, c)
	if err == nil && !ok {
		err = api.Errorf(api.CodeUnsupported, "%s has no login of that kind; it takes an API key or a password", auth.Origin(url))
	}
	if err != nil {
		return nil, err
	}
	server.Now = e.Now
	return server, nil
}

// Job is what this process may have as a job of a CI system.
func (e *Env) Job() oauth.Environment {
	return oauth.Environment{Lookup: os.Getenv, HTTP: &http.Client{Timeout: 30 * time.Second}}
}

// exchanged trades the identity of a job for a token when the first request is made, and
// keeps it in this process alone.
func (e *Env) exchanged(settings *profile.Settings, url string, job oauth.Environment) Login {
	var mu sync.Mutex
	var now auth.Credential
	return Login{Method: auth.Workload, Source: "environment", Credential: func(ctx context.Context) (auth.Credential, error) {
		mu.Lock()
		defer mu.Unlock()
		if !now.Access.IsZero() && e.Now().Add(time.Minute).Before(now.Expires) {
			return now, nil
		}
		c, _, err := e.Exchange(ctx, settings, url, job)
		if api.CodeOf(err) == api.CodeUnsupported && !job.Configured() {
			return auth.Credential{}, nil // the job has its identity for something else
		}
		now = c
		return now, err
	}}
}

// Exchange trades the identity of a job for a token of the server, and says whose word it was.
func (e *Env) Exchange(ctx context.Context, settings *profile.Settings, url string, job oauth.Environment) (c auth.Credential, from string, err error) {
	server, err := e.AuthServer(ctx, settings, url)
	if err != nil {
		return c, "", err
	}
	identity, from, err := job.Identity(ctx, server.Issuer())
	if err != nil {
		return c, from, err
	}
	if c, err = server.Exchange(ctx, identity); err != nil {
		err = WithHint(err, "the identity comes from %s and is made out to %s; a trust rule of the server must allow it", from, server.Issuer())
	}
	return c, from, err
}

// Connect makes a client with any settings: those of a profile that is about to be used.
func (e *Env) Connect(settings *profile.Settings) (*client.Client, error) {
	return e.ConnectTo(settings, settings.APIURL())
}

// ConnectTo is Connect for another URL.
func (e *Env) ConnectTo(settings *profile.Settings, url string) (*client.Client, error) {
	login, err := e.Login(settings, url)
	if err != nil {
		return nil, err
	}
	return e.ConnectWith(settings, url, login)
}

// ConnectWith makes a client that is let in by a login.
func (e *Env) ConnectWith(settings *profile.Settings, url string, login Login) (*client.Client, error) {
	o := e.clientOptions(settings, url)
	switch {
	case login.Method == "":
	case login.Setting != "" || login.Method == auth.Password: // nothing to renew
		c, err := login.Credential(context.Background())
		if err != nil {
			return nil, err
		}
		o.APIKey, o.AuthString = c.Key.Reveal(), c.Password.Reveal()
	default:
		o.Token = func(ctx context.Context) (string, error) {
			c, err := login.Credential(ctx)
			return c.Bearer().Reveal(), err
		}
	}
	return client.New(o)
}

// ConnectAs makes a client with a key, "" for none, whoever is logged in.
func (e *Env) ConnectAs(settings *profile.Settings, url, key string) (*client.Client, error) {
	o := e.clientOptions(settings, url)
	o.APIKey = key
	return client.New(o)
}

// Environ is what the SDK in a child process needs to see the same settings and to be let in.
func (e *Env) Environ(ctx context.Context, settings *profile.Settings) ([]string, error) {
	environ := settings.Environ()
	login, err := e.Login(settings, settings.APIURL())
	if err != nil || login.Method == "" || login.Setting == KeySetting || login.Setting == AuthStringSetting {
		return environ, err
	}
	c, err := login.Credential(ctx)
	if err != nil {
		return nil, err
	}
	if key := c.Bearer().Reveal(); key != "" {
		environ = append(environ, KeySetting+"="+key)
	}
	if !c.Password.IsZero() {
		environ = append(environ, AuthStringSetting+"="+c.Password.Reveal())
	}
	return environ, nil
}
