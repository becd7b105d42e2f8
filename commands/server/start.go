package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/frugal"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/logs"
)

type startOptions struct {
	env         *cli.Env
	host        string
	port        int
	databaseURL string
	logLevel    string
	noServices  bool
	scheduler   bool
	lateRuns    bool
	ui          bool
	workers     int
	detached    bool
	uiDir       string
	keepAlive   int
	open        bool // to everybody who reaches it
}

func newStartCmd(env *cli.Env) *cobra.Command {
	opts := &startOptions{env: env}
	cmd := &cobra.Command{
		Use:     "start",
		Short:   "run a control plane until it is interrupted",
		Long:    "Runs the API and everything behind it in this process, on an embedded database below USHER_HOME unless --database-url names another.",
		Example: "usher server start\nusher server start --background\nusher server start --port 4300\nusher server start --database-url postgres://usher@db.example/usher",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.host, "host", "", "the address to listen on (default 127.0.0.1)")
	flags.IntVar(&opts.port, "port", 0, "the port to listen on (default 4200)")
	databaseFlag(cmd, &opts.databaseURL)
	flags.StringVar(&opts.logLevel, "log-level", "", "debug, info, warning or error (default warning)")
	flags.BoolVar(&opts.noServices, "no-services", false, "serve the API only: another process runs the scheduler and the other loops")
	flags.BoolVar(&opts.scheduler, "scheduler", true, "make the runs of schedules; --no-scheduler leaves them to another server")
	flags.BoolVar(&opts.lateRuns, "late-runs", true, "mark runs that did not start in time; --no-late-runs leaves them as they are")
	flags.BoolVar(&opts.ui, "ui", true, "serve the prebuilt web interface; --no-ui leaves one page of our own")
	flags.IntVar(&opts.workers, "workers", 1, "accepted as the reference's: one process uses every core")
	flags.StringVar(&opts.uiDir, "ui-dir", "", "serve the prebuilt web interface in this folder (default: that of the active Python environment's Prefect)")
	flags.IntVar(&opts.keepAlive, "keep-alive-timeout", 0, "seconds after which a connection is closed that nothing comes from (default 120)")
	flags.BoolVar(&opts.open, "insecure-no-auth", false, "listen beyond this machine though nobody has to say who they are")
	flags.BoolVarP(&opts.detached, "background", "b", false, "return once the server answers; usher server stop ends it")
	ignore(cmd)
	return cmd
}

// switches sets what the flags switch on or off, which counts more than the settings.
func (o *startOptions) switches(flags *pflag.FlagSet, settings *profile.Settings) {
	for flag, setting := range map[string]string{
		"scheduler": "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED", "late-runs": "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED", "ui": "PREFECT_SERVER_UI_ENABLED",
	} {
		if f := flags.Lookup(flag); f.Changed {
			settings.Override(setting, f.Value.String())
		}
	}
}

// ignore accepts flags of the reference that mean nothing here, so that its command
// lines work.
func ignore(cmd *cobra.Command) {
	flags := cmd.Flags()
	for _, name := range []string{"analytics-on", "analytics-off"} { // it tells nobody anything
		flags.Bool(name, false, "accepted as the reference's, without effect")
		flags.Lookup(name).Hidden = true
	}
}

func (o *startOptions) run(cmd *cobra.Command) error {
	if !o.detached {
		frugal.Relax()
	}
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	o.switches(cmd.Flags(), settings)
	log, err := o.logger(settings)
	if err != nil {
		return err
	}
	options, err := o.options(settings, log)
	if err != nil {
		return err
	}
	if o.detached {
		return o.background(cmd, settings.Home(), options)
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := server.Open(ctx, *options)
	if err != nil {
		return err
	}
	o.greet(s)
	go frugal.Run(ctx)
	err = s.Run(ctx)
	if err == nil || errors.Is(err, context.Canceled) {
		o.env.Say("Stopped.")
		return nil
	}
	return err
}

func (o *startOptions) options(settings *profile.Settings, log *slog.Logger) (*server.Options, error) {
	port := o.port
	if port == 0 {
		var err error
		if port, err = strconv.Atoi(settings.Value("PREFECT_SERVER_API_PORT").Text); err != nil {
			return nil, cli.Usagef("PREFECT_SERVER_API_PORT is not a port number")
		}
	}
	if port < 1 || port > 65535 {
		return nil, cli.Usagef("%d is not a port: choose one from 1 to 65535", port)
	}
	url, err := databaseURL(o.databaseURL, settings)
	if err != nil {
		return nil, err
	}
	upkeep, err := upkeepOf(settings)
	if err != nil {
		return nil, err
	}
	shown, err := settings.ServerTree(api.DefaultSettings())
	if err != nil {
		return nil, err
	}
	guards := guardsOf(settings)
	accounts := settings.Value("USHER_AUTH_MODE").Text == "full"
	if accounts && guards.Guarded() {
		return nil, cli.Usagef("with USHER_AUTH_MODE=full everybody has a key of their own: unset PREFECT_SERVER_API_AUTH_STRING, or the mode")
	}
	host := cmp.Or(o.host, settings.Value("PREFECT_SERVER_API_HOST").Text)
	if guards.Guarded() && !isLoopback(host) && isWeak(guards.AuthString) {
		return nil, cli.Usagef("on %s others can guess the password of PREFECT_SERVER_API_AUTH_STRING: make it user:password with a password of at least %d random characters, such as that of `openssl rand -hex 16`", host, leastPassword)
	}
	if !accounts && !guards.Guarded() && !isLoopback(host) {
		if !o.open && settings.Value("USHER_AUTH_MODE").Text != "none" {
			return nil, cli.Usagef("on %s everybody who reaches this machine could run code on your workers: set USHER_AUTH_MODE=full for accounts, or PREFECT_SERVER_API_AUTH_STRING for one password; --insecure-no-auth does without", host)
		}
		o.env.Warn("nobody has to say who they are, and the server listens on " + host + ": keep strangers away from it")
	}
	var signIn *server.SignIn
	if accounts {
		if signIn, err = signInOf(settings); err != nil {
			return nil, err
		}
		if err := checkPasswords(url, &signIn.Mail); err != nil {
			return nil, err
		}
	}
	secure := tlsOf(settings)
	if accounts && !secure.On() && !isLoopback(host) {
		o.env.Warn("the server speaks no TLS on " + host + ": set USHER_TLS_CERT and USHER_TLS_KEY, or let a proxy speak it and keep others from this port")
	}
	options := &server.Options{
		Rates:    identity.Rates{Requests: settings.Value("USHER_LIMITS_REQUESTS_PER_MIN").Int(), LogsEvents: settings.Value("USHER_LIMITS_LOGS_EVENTS_PER_MIN").Int()},
		Accounts: accounts, SignIn: signIn, Settings: shown,
		Host: host, Port: port, TLS: secure,
		Database: databaseOf(o.env, url, settings), Log: log, Clock: o.env.Now, NoServices: o.noServices,
		Keys:     crypt.NewKeeper(os.Getenv(crypt.Variable), settings.Home()),
		Services: servicesOf(settings), Upkeep: upkeep, UIURL: settings.Value("PREFECT_UI_URL").Text, Guards: guards, Mutes: mutesOf(settings), CORS: corsOf(settings), Web: o.web(settings),
	}
	return options, o.operate(options, settings)
}

// isLoopback says that a host to listen on is reached from this machine alone.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// databaseURL is where the data is: the flag's, the setting's if anybody set it, else a
// file below usher's home, which it makes.
func databaseURL(flag string, settings *profile.Settings) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if v := settings.Value("PREFECT_SERVER_DATABASE_CONNECTION_URL"); v.IsSet() && v.Source != profile.FromDefault {
		return v.Text, nil
	}
	if url, err := partsURL(settings); url != "" || err != nil {
		return url, err
	}
	return filepath.Join(settings.Home(), "usher.db"), makeHome(settings.Home())
}

func makeHome(home string) error {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return cli.Fail(cli.Failure, "cannot make usher's home: "+err.Error(), "set USHER_HOME to a directory that you may write to")
	}
	return nil
}

func (o *startOptions) logger(settings *profile.Settings) (*slog.Logger, error) {
	name := strings.ToLower(cmp.Or(o.logLevel, settings.Value("PREFECT_SERVER_LOGGING_LEVEL").Text, "warning"))
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warning": slog.LevelWarn, "warn": slog.LevelWarn, "error": slog.LevelError, "critical": slog.LevelError,
	}
	level, ok := levels[name]
	if !ok {
		return nil, cli.Usagef("%q is no log level: choose debug, info, warning or error", name)
	}
	return logs.New(o.env.Streams.Err, level, settings.Value("USHER_SERVER_LOGGING_FORMAT").Text == "json"), nil
}

// greet says where the server is and what to type next.
func (o *startOptions) greet(s *server.Server) {
	e := o.env
	e.Sayf("%s is ready at %s", e.PaintErr("usher", output.Good), e.PaintErr(s.URL(), output.Strong))
	e.Sayf("  API       %s", s.APIURL())
	e.Sayf("  Database  %s", s.Database())
	if settings, err := e.Settings(); err == nil && settings.APIURL() != s.APIURL() {
		e.Sayf("\nIn another terminal: usher config set PREFECT_API_URL=%s", s.APIURL())
	}
	e.Say("\nCtrl+C stops it.")
}
