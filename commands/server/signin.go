package server

import (
	"cmp"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/signin"
)

// signInOf is how people sign in, as the settings say.
func signInOf(settings *profile.Settings) (o *server.SignIn, err error) {
	text := func(name string) string { return settings.Value(name).Text }
	o = &server.SignIn{
		Options: signin.Options{
			PublicURL: text("USHER_SERVER_PUBLIC_URL"), LinkLife: settings.Value("USHER_AUTH_MAGIC_LINK_TTL").Duration(),
			SessionIdle: settings.Value("USHER_AUTH_SESSION_IDLE").Duration(), SessionLife: settings.Value("USHER_AUTH_SESSION_ABSOLUTE").Duration(),
			NoCompatLogin: !settings.Value("USHER_AUTH_COMPAT_CLI_LOGIN").Bool(), SAMLIdPInitiated: settings.Value("USHER_AUTH_SAML_ALLOW_IDP_INITIATED").Bool(),
		},
		Mail: notify.SMTP{
			Host: text("USHER_SMTP_HOST"), Port: settings.Value("USHER_SMTP_PORT").Int(), Plain: text("USHER_SMTP_TLS") == "off", User: text("USHER_SMTP_USER"),
			Password: text("USHER_SMTP_PASSWORD"), From: text("USHER_SMTP_FROM"),
		},
	}
	if minutes := o.LinkLife.Minutes(); minutes < 5 || minutes > 30 {
		return nil, cli.Usagef("USHER_AUTH_MAGIC_LINK_TTL is %s: a link holds for 5 to 30 minutes", o.LinkLife)
	}
	if file := text("USHER_SMTP_PASSWORD_FILE"); file != "" {
		password, err := os.ReadFile(file)
		if err != nil {
			return nil, cli.Fail(cli.Failure, "cannot read the password of the mail server: "+err.Error(), "set USHER_SMTP_PASSWORD_FILE to a file that the server may read")
		}
		o.Mail.Password = strings.TrimRight(string(password), "\r\n")
	}
	if o.Mail.From == "" {
		o.Mail.From = senderOf(o)
	}
	if err := passwordsOf(settings, o); err != nil {
		return nil, err
	}
	if o.Providers, err = providersOf(settings); err == nil {
		o.Trust, err = trustOf(settings)
	}
	return o, err
}

// passwordsOf reads whether people may have passwords, and which not.
func passwordsOf(settings *profile.Settings, o *server.SignIn) (err error) {
	o.Passwords = settings.Value("USHER_AUTH_PASSWORD_ENABLED").Bool()
	if file := settings.Value("USHER_AUTH_PASSWORD_BREACHED_FILE").Text; file != "" && o.Passwords {
		if o.Breached, err = signin.OpenBreached(file); err != nil {
			return cli.Fail(cli.Failure, err.Error(), "set USHER_AUTH_PASSWORD_BREACHED_FILE to a list such as Have I Been Pwned's, sorted by hash, or unset it")
		}
	}
	return nil
}

// trustOf reads the rules by which tokens of build systems let their bearers in.
func trustOf(settings *profile.Settings) (out []signin.TrustRule, err error) {
	const name = "USHER_AUTH_FEDERATION_RULES"
	text := settings.Value(name).Text
	if text == "" {
		return nil, nil
	}
	var list []struct {
		Issuer     string            `json:"issuer"`
		Audience   string            `json:"audience"`
		Bot        uuid.UUID         `json:"bot_id"`
		Conditions map[string]string `json:"conditions"`
		Seconds    int               `json:"max_ttl"`
	}
	if err := json.Unmarshal([]byte(text), &list, json.RejectUnknownMembers(true)); err != nil {
		return nil, cli.Usagef(`%s is not a list in JSON such as [{"issuer": "…", "audience": "…", "bot_id": "…", "conditions": {"repository": "acme/flows"}}]: see docs/sign-in.md`, name)
	}
	for _, l := range list {
		out = append(out, signin.TrustRule{Issuer: l.Issuer, Audience: l.Audience, Bot: l.Bot, Conditions: l.Conditions, MaxLife: time.Duration(l.Seconds) * time.Second})
	}
	return out, nil
}

// providerSetting is another place to sign in at, as a setting says it in JSON.
type providerSetting struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Issuer     string `json:"issuer"`
	Tenant     string `json:"tenant"` // of Microsoft
	URL        string `json:"url"`    // of a GitHub of one's own
	ClientID   string `json:"client_id"`
	Secret     string `json:"client_secret"`
	SecretFile string `json:"client_secret_file"`
}

// providersOf reads the settings of other places to sign in at: USHER_AUTH_PROVIDERS_GOOGLE,
// _MICROSOFT and _GITHUB are objects, _OIDC is an object or a list of them.
func providersOf(settings *profile.Settings) ([]signin.Provider, error) {
	var out []signin.Provider
	for _, id := range []string{"google", "microsoft", "github", "oidc"} {
		name := "USHER_AUTH_PROVIDERS_" + strings.ToUpper(id)
		text := strings.TrimSpace(settings.Value(name).Text)
		if text == "" {
			continue
		}
		if id != "oidc" || !strings.HasPrefix(text, "[") {
			text = "[" + text + "]"
		}
		var list []providerSetting
		if err := json.Unmarshal([]byte(text), &list, json.RejectUnknownMembers(true)); err != nil {
			return nil, cli.Usagef(`%s is not JSON such as {"client_id": "…", "client_secret_file": "/path"}: see docs/sign-in.md`, name)
		}
		for _, l := range list {
			p, err := l.provider(id, name)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

func (l providerSetting) provider(kind, setting string) (p signin.Provider, err error) {
	if kind == "microsoft" && l.Tenant == "" {
		return p, cli.Usagef("%s needs the tenant: the id of your organization at Microsoft", setting)
	}
	if kind == "oidc" && l.Issuer == "" {
		return p, cli.Usagef("%s needs the issuer of each provider, such as https://login.example.com", setting)
	}
	p = signin.Known(cmp.Or(l.ID, kind), l.Tenant)
	p.Name, p.Issuer, p.ClientID, p.ClientSecret = cmp.Or(l.Name, p.Name), cmp.Or(l.Issuer, p.Issuer), l.ClientID, l.Secret
	if l.URL != "" && kind == "github" {
		p.GitHub = strings.TrimRight(l.URL, "/")
		p.GitHubAPI = p.GitHub + "/api/v3"
	}
	if l.SecretFile != "" {
		secret, err := os.ReadFile(l.SecretFile)
		if err != nil {
			return p, cli.Fail(cli.Failure, "cannot read the secret of "+p.Name+": "+err.Error(), "set client_secret_file in %s to a file that the server may read", setting)
		}
		p.ClientSecret = strings.TrimRight(string(secret), "\r\n")
	}
	return p, nil
}

// senderOf is who mail comes from when nobody says: the account at the mail server if that
// is an address, else usher at the host where the server is.
func senderOf(o *server.SignIn) string {
	if strings.Contains(o.Mail.User, "@") {
		return o.Mail.User
	}
	host := o.PublicURL[strings.LastIndex(o.PublicURL, "/")+1:]
	host, _, _ = strings.Cut(host, ":")
	if host == "" || strings.Trim(host, "0123456789.") == "" {
		host = "localhost"
	}
	return "usher@" + host
}
