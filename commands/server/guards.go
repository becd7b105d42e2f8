package server

import (
	"cmp"
	"os"
	"strings"

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
