// Package cli is what every verb is made of: the environment it runs in, its
// arguments and flags, the errors it answers with and the help it shows. The
// packages below commands/ use it; docs/architecture/commands.md shows how.
package cli

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/term"
)

// Env is the world a command runs in. What costs time to build is built when it
// is first asked for.
type Env struct {
	Streams *term.Streams
	// Now is the clock.
	Now func() time.Time
	// Browse opens a web page; the address is said on stderr by OpenPage.
	Browse func(url string) error
	// Where says what the settings are read from; Profile is the --profile flag.
	Where profile.Where

	prompt    Toggle // --prompt and --no-prompt
	pager     Toggle // --pager and --no-pager
	debug     bool   // --debug
	settings  func() (*profile.Settings, error)
	apiClient func() (*client.Client, error)

	store       sync.Once
	credentials *auth.Store
}

// NewEnv makes the environment of one run of the program.
func NewEnv(streams *term.Streams, where profile.Where) *Env {
	e := &Env{Streams: streams, Now: time.Now, Browse: openPage, Where: where}
	e.settings = sync.OnceValues(e.loadSettings)
	e.apiClient = sync.OnceValues(e.connect)
	return e
}

// RawSettings returns the settings even if some values are of the wrong type:
// for the commands that show and mend them.
func (e *Env) RawSettings() (*profile.Settings, error) { return e.settings() }

// Settings returns the settings in effect.
func (e *Env) Settings() (*profile.Settings, error) {
	settings, err := e.settings()
	if err != nil {
		return nil, err
	}
	if err := settings.Check(); err != nil {
		return nil, WithHint(err, "`usher config view` shows where it is set")
	}
	return settings, nil
}

func (e *Env) loadSettings() (*profile.Settings, error) {
	settings, err := profile.Load(e.Where)
	if err != nil {
		return nil, explainProfile(err)
	}
	for _, warning := range settings.Warnings {
		e.Warn(warning)
	}
	if colors := settings.Value("PREFECT_CLI_COLORS"); colors.IsSet() && !colors.Bool() {
		e.Streams.DisableColor()
	}
	if wrap := settings.Value("PREFECT_CLI_WRAP_LINES"); wrap.IsSet() && !wrap.Bool() {
		e.Streams.DisableWrap()
	}
	return settings, nil
}

// Client returns the client of the API that the settings choose.
func (e *Env) Client() (*client.Client, error) { return e.apiClient() }

func (e *Env) connect() (*client.Client, error) {
	settings, err := e.Settings()
	if err != nil {
		return nil, err
	}
	return e.Connect(settings)
}

// clientOptions are those of a client that nobody is logged in with.
func (e *Env) clientOptions(settings *profile.Settings, address string) client.Options {
	retries := settings.Value("PREFECT_CLIENT_MAX_RETRIES").Int()
	if retries == 0 {
		retries = -1 // the client's word for none
	}
	options := client.Options{
		BaseURL:       address,
		Headers:       settings.Value("PREFECT_CLIENT_CUSTOM_HEADERS").Map(),
		SkipTLSVerify: settings.Value("PREFECT_API_TLS_INSECURE_SKIP_VERIFY").Bool(),
		CAFile:        settings.Value("PREFECT_API_SSL_CERT_FILE").Text,
		MaxRetries:    retries,
		UserAgent:     "usher/" + build.Version() + " (API " + build.APIVersion + ")",
		Timeout:       settings.Value("PREFECT_API_REQUEST_TIMEOUT").Duration(),
	}
	if e.debug {
		options.Observe = e.tellRequest
	}
	return options
}

// tellRequest says what --debug shows of a request: neither headers nor body nor query, where
// secrets are.
func (e *Env) tellRequest(request *http.Request, status int, took time.Duration, err error) {
	outcome := strconv.Itoa(status)
	if err != nil {
		outcome = err.Error()
	}
	at := url.URL{Scheme: request.URL.Scheme, Host: request.URL.Host, Path: request.URL.Path}
	e.Sayf("debug: %s %s: %s in %s", request.Method, &at, outcome, took.Round(time.Millisecond))
}

// Printer returns what a command prints its data with.
func (e *Env) Printer(options output.Options) *output.Printer {
	_, _ = e.settings() // the colour setting counts; an error is told by what needs the settings
	if wanted, given := e.pager.Get(); given && !wanted {
		e.Streams.NoPager()
	}
	return output.New(e.Streams, e.Now, options)
}

// OpenPage shows a web page in the user's browser and says its address.
func (e *Env) OpenPage(url string) error {
	e.Say("Opening " + url)
	if err := e.Browse(url); err != nil {
		return Fail(Failure, "no browser could be opened", "open %s yourself", url)
	}
	return nil
}

// Complete wraps a function that lists names, each with a description behind a tab or without
// one, into one that completes arguments. It is given little time and completes nothing when the
// API can't be reached. What it lists is kept for a while: a person presses tab several times.
func (e *Env) Complete(names func(context.Context, *client.Client) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, words []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		kept, err := e.keptOffers(cmd, words)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		if offers, ok := kept.read(e.Now()); ok {
			return offers, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
		defer cancel()
		c, err := e.Client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found, err := names(ctx, c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		kept.write(found)
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

const completionPatience = 2 * time.Second

// NotFound makes the error of a name that nothing has, with the nearest of the
// names that exist.
func NotFound(noun, name string, names []string) error {
	err := api.Errorf(api.CodeNotFound, "there is no %s named %q", noun, name)
	if near := Nearest(name, names); near != "" {
		return WithHint(err, "did you mean %q?", near)
	}
	return err
}
