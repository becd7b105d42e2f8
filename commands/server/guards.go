package server

import (
	"cmp"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/rest"
	"github.com/usherhq/usher/internal/server/web"
)

// guardsOf is what the settings make callers bring.
func guardsOf(settings *profile.Settings) core.Guards {
	g := core.Guards{AuthString: settings.Value("PREFECT_SERVER_API_AUTH_STRING").Text}
	if settings.Value("PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED").Bool() {
		g.CSRFLife = settings.Value("PREFECT_SERVER_API_CSRF_TOKEN_EXPIRATION").Duration()
	}
	return g
}

// leastPassword is how long the password for everybody is where others can try it.
const leastPassword = 16

// isWeak says that the password of user:password can be guessed: it is short, or made of
// hardly any different characters.
func isWeak(authString string) bool {
	_, password, ok := strings.Cut(authString, ":")
	if !ok {
		password = authString
	}
	different := map[rune]bool{}
	for _, r := range strings.ToLower(password) {
		different[r] = true
	}
	return len(password) < leastPassword || len(different) < leastPassword/3
}

// checkPasswords refuses passwords of the database and the mail server that can be guessed,
// where others can try them.
func checkPasswords(database string, mail *notify.SMTP) error {
	_, rest, _ := strings.Cut(database, "://")
	at, _, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(at, '@'); i >= 0 {
		_, password, ok := strings.Cut(at[:i], ":")
		if plain, err := url.PathUnescape(password); err == nil {
			password = plain
		}
		if ok && !areLoopback(at[i+1:]) && isWeak(password) {
			return cli.Usagef("others can guess the password of the database at %s: give its role one of at least %d random characters, such as that of `openssl rand -hex 16`", at[i+1:], leastPassword)
		}
	}
	if mail.Password != "" && !isLoopback(mail.Host) && isWeak(mail.Password) {
		return cli.Usagef("others can guess the password of the mail server at %s (USHER_SMTP_PASSWORD): have it changed to one of at least %d random characters", mail.Host, leastPassword)
	}
	return nil
}

// areLoopback says that all of the hosts of a database URL are this machine.
func areLoopback(hosts string) bool {
	for host := range strings.SplitSeq(hosts, ",") {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host = strings.Trim(host, "[]"); host != "" && !isLoopback(host) {
			return false
		}
	}
	return true
}

// mutesOf is what the settings keep from being stored or told. Log lines are told unless
// somebody says otherwise; the reference's default is the other way.
func mutesOf(settings *profile.Settings) core.Mutes {
	off := func(name string) bool {
		v := settings.Value(name)
		return v.Source != profile.FromDefault && !v.Bool()
	}
	return core.Mutes{
		Logs:      off("USHER_SERVER_LOGS_ACCEPT"),
		LogsOut:   off("PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED") || off("PREFECT_SERVER_LOGS_STREAM_PUBLISHING_ENABLED"),
		EventsOut: off("PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED"),

		Credentials: off("USHER_BLOCKS_ALLOW_CREDENTIALS"),
	}
}

func corsOf(settings *profile.Settings) rest.CORS {
	return rest.CORS{
		Origins: settings.Value("PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS").List(),
		Methods: settings.Value("PREFECT_SERVER_API_CORS_ALLOWED_METHODS").List(),
		Headers: settings.Value("PREFECT_SERVER_API_CORS_ALLOWED_HEADERS").List(),
	}
}

// web is what pages are served: those of a folder, of the active Python environment, or ours.
func (o *startOptions) web(settings *profile.Settings) web.Options {
	out := web.Options{
		Off:      !settings.Value("PREFECT_SERVER_UI_ENABLED").Bool(),
		Base:     settings.Value("PREFECT_SERVER_UI_SERVE_BASE").Text,
		APIURL:   settings.Value("PREFECT_SERVER_UI_API_URL").Text,
		PreferV1: !settings.Value("PREFECT_SERVER_UI_V2_ENABLED").Bool(),
	}
	if !out.Off {
		out.V1, out.V2 = web.Find(cmp.Or(o.uiDir, settings.Value("PREFECT_SERVER_UI_STATIC_DIRECTORY").Text), os.Getenv)
	}
	return out
}
