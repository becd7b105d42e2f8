package server

import (
	"os"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/rules/masking"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/origin"
	"github.com/usherhq/usher/internal/server/trace"
)

// operate sets what the server tells of itself, and its bounds. Traces that can't be sent
// as the environment says are no reason not to start: others read those variables too.
func (o *startOptions) operate(options *server.Options, settings *profile.Settings) (err error) {
	options.Metrics = settings.Value("PREFECT_SERVER_METRICS_ENABLED").Bool()
	if options.Front, err = frontOf(settings); err != nil {
		return err
	}
	options.OnlyPublic = settings.Value("USHER_EGRESS_BLOCK_PRIVATE").Bool()
	if options.Reach, err = notify.ParseReach(settings.Value("USHER_EGRESS_ALLOW").List()); err != nil {
		return cli.Usagef("USHER_EGRESS_ALLOW: %v", err)
	}
	if options.Masks, err = masking.Parse(settings.Value("USHER_SERVER_LOGS_MASK").List()); err != nil {
		return cli.Usagef("USHER_SERVER_LOGS_MASK: %v", err)
	}
	options.SecurityTxt = server.SecurityTxt{Contact: settings.Value("USHER_SECURITY_CONTACT").Text, Policy: settings.Value("USHER_SECURITY_POLICY").Text}
	if err := options.SecurityTxt.Check(); err != nil {
		return cli.Usagef("%v", err)
	}
	if options.Trace, err = trace.FromEnv(os.Getenv, build.Version()); err != nil {
		options.Log.Warn("no traces are sent", "error", err)
		options.Trace = trace.Config{}
	}
	options.MaxRequests = max(settings.Value("USHER_SERVER_API_MAX_REQUESTS").Int(), 0)
	seconds := o.keepAlive
	if v := settings.Value("PREFECT_SERVER_API_KEEPALIVE_TIMEOUT"); seconds == 0 && v.Source != profile.FromDefault {
		seconds = v.Int()
	}
	if seconds < 0 {
		return cli.Usagef("a keep-alive timeout of %d seconds makes no sense: choose 1 or more", seconds)
	}
	options.KeepAlive = time.Duration(seconds) * time.Second
	return nil
}

// frontOf is where clients find the API, and whose word counts about them.
func frontOf(settings *profile.Settings) (front origin.Front, err error) {
	if front.Proxies, err = origin.Proxies(settings.Value("USHER_SERVER_TRUSTED_PROXIES").List()); err != nil {
		return front, cli.Usagef("USHER_SERVER_TRUSTED_PROXIES: %v; list addresses and networks such as 10.0.0.0/8", err)
	}
	v := settings.Value("PREFECT_SERVER_API_BASE_PATH")
	if !v.IsSet() {
		return front, nil
	}
	if front.APIPath = "/" + strings.Trim(v.Text, "/"); front.APIPath == "/" || strings.ContainsAny(front.APIPath, "?#%") {
		return front, cli.Usagef("PREFECT_SERVER_API_BASE_PATH=%s is no path for the API: choose one such as /v2/api", v.Text)
	}
	return front, nil
}
