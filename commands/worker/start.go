package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	dockerengine "github.com/usherhq/usher/internal/docker"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/frugal"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/python"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/docker"
	"github.com/usherhq/usher/internal/worker/ecs"
	"github.com/usherhq/usher/internal/worker/kubernetes"
	"github.com/usherhq/usher/internal/worker/launch"
	"github.com/usherhq/usher/internal/worker/process"
)

type startOptions struct {
	env             *cli.Env
	pool, name      string
	queues          []string
	kind            string
	prefetch        float64
	runOnce         bool
	limit           int
	healthcheck     bool
	installPolicy   string
	baseJobTemplate string
	createPool      bool
	python          string
	drainTimeout    time.Duration
	environments    environmentOptions
	warm            int
}

func newStartCmd(env *cli.Env) *cobra.Command {
	opts := &startOptions{env: env}
	cmd := &cobra.Command{
		Use:   "start",
		Short: "take the runs of a work pool and execute them, until interrupted",
		Long: "The first interrupt lets the runs in hand finish, the second ends them. A worker that is killed leaves nothing stuck: " +
			"its flows go on, and the next worker of the pool on this machine looks after them.",
		Example: "usher worker start --pool default\nusher worker start --pool default --type process --limit 4\nusher worker start --pool default --run-once",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&opts.pool, "pool", "p", "", "the work pool to take runs from")
	flags.StringVarP(&opts.name, "name", "n", "", "the worker's name (default: one that is made up)")
	flags.StringArrayVarP(&opts.queues, "work-queue", "q", nil, "take runs of this `queue` only; repeatable")
	flags.StringVarP(&opts.kind, "type", "t", "", "the type of worker (default: the pool's)")
	flags.Float64Var(&opts.prefetch, "prefetch-seconds", 0, "how early a run may be taken")
	flags.BoolVar(&opts.runOnce, "run-once", false, "take what is due now, wait for it, and stop")
	flags.IntVarP(&opts.limit, "limit", "l", 0, "how many runs to execute at once")
	flags.BoolVar(&opts.healthcheck, "with-healthcheck", false, "answer GET /health over HTTP")
	flags.StringVar(&opts.installPolicy, "install-policy", "prompt", "accepted as the reference's: the types of workers are built in")
	flags.StringVar(&opts.baseJobTemplate, "base-job-template", "", "a JSON `file` with the template for a pool that has to be created")
	flags.BoolVar(&opts.createPool, "create-pool-if-not-found", true, "create the pool if there is none")
	flags.StringVar(&opts.python, "python", "", "the `interpreter` for flows (default: the nearest one that has prefect)")
	opts.environments.define(flags)
	flags.IntVar(&opts.warm, "warm-interpreters", 0, "how many interpreters to keep that have imported prefect, so that a flow begins two seconds earlier; each takes some 100 MB")
	flags.DurationVar(&opts.drainTimeout, "drain-timeout", 0, "how long the first interrupt waits for runs (default: until they are done)")
	_ = cmd.RegisterFlagCompletionFunc("pool", env.Complete(find.WorkPools)) // the flag is there
	return cmd
}

func (o *startOptions) run(cmd *cobra.Command) error {
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	if err := o.choosePool(ctx, c); err != nil {
		return err
	}
	if err := o.chooseKind(ctx, c); err != nil {
		return err
	}
	options, err := o.options(cmd, settings, c)
	if err != nil {
		return err
	}
	kind, release, err := o.newKind(ctx, options)
	if err != nil {
		return err
	}
	defer release()
	w, err := worker.New(*options, kind)
	if err != nil {
		return err
	}
	return o.work(ctx, w, settings)
}

// kinds are the types of workers that are built in, with what the reference calls them.
var kinds = map[string]string{"process": "ProcessWorker", "docker": "DockerWorker", "kubernetes": "KubernetesWorker", "ecs": "ECSWorker"}

// newKind makes what starts runs; release is called when the worker is done.
func (o *startOptions) newKind(ctx context.Context, options *worker.Options) (kind worker.Kind, release func(), err error) { //nolint:ireturn // which one is chosen here
	switch o.kind {
	case "docker":
		engine, err := engine(ctx)
		return &docker.Kind{Engine: engine, Binary: options.Binary, Lookup: os.LookupEnv}, func() {}, err
	case "kubernetes":
		kind := kubernetes.New(os.LookupEnv, func(format string, args ...any) { o.env.Warn(fmt.Sprintf(format, args...)) })
		if err := kind.Connect(ctx); err != nil { // pools whose cluster_config names one do without
			o.env.Warn("Runs without a cluster_config can't be started for the moment: " + err.Error())
		}
		return kind, kind.Close, nil
	case "ecs":
		kind := ecs.New(os.LookupEnv)
		return kind, kind.Close, nil
	}
	return o.newProcesses(ctx, options)
}

// newProcesses makes what runs flows as processes of this machine.
func (o *startOptions) newProcesses(ctx context.Context, options *worker.Options) (kind worker.Kind, release func(), err error) { //nolint:ireturn // as newKind
	environments, err := o.environments.store(options)
	if err != nil {
		return nil, nil, err
	}
	warm, err := o.keepWarm(options)
	if err != nil {
		return nil, nil, err
	}
	control, err := process.Listen(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("open the control port for flows: %w", err)
	}
	release = func() {
		control.Close() //nolint:errcheck // the worker is done
		if environments != nil {
			environments.Close()
		}
		if warm != nil {
			warm.Close()
		}
	}
	return &process.Kind{
		Launcher: launch.Launcher{Binary: options.Binary}, Control: control, Python: o.python, Finder: python.NewFinder(),
		Client: options.Client, Secrets: options.Secrets, Environments: environments, Warm: warm, Always: o.environments.mode == always,
	}, release, nil
}

// keepWarm keeps interpreters warm, nil if none are wanted.
func (o *startOptions) keepWarm(options *worker.Options) (*process.Warm, error) {
	switch {
	case o.warm < 0:
		return nil, cli.Usagef("--warm-interpreters %d: say how many, or 0 for none", o.warm)
	case o.warm == 0:
		return nil, nil
	case !process.CanWarm:
		return nil, cli.Usagef("--warm-interpreters is not possible on this system")
	}
	return process.NewWarm(filepath.Join(options.Home, "warm"), o.warm, launch.Launcher{Binary: options.Binary})
}

// engine finds the Docker engine, and says so at once if there is none.
func engine(ctx context.Context) (*dockerengine.Client, error) {
	client, err := dockerengine.New(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := client.Version(ctx); err != nil {
		return nil, cli.WithHint(err, "start the engine, or name another with DOCKER_HOST; for Podman: podman system service --time=0 unix:///run/podman/podman.sock")
	}
	return client, nil
}

// work runs the worker.
func (o *startOptions) work(ctx context.Context, w *worker.Worker, settings *profile.Settings) error {
	return o.until(ctx, w.Stop, func(ctx context.Context) error {
		if o.healthcheck {
			stop, err := o.serveHealth(ctx, settings, w.Health())
			if err != nil {
				return err
			}
			defer stop()
		}
		go frugal.Rest(ctx)
		return w.Run(ctx)
	})
}

// until works until signals stop it, in steps, so the command's own context, which the first
// signal ends, does not.
func (o *startOptions) until(ctx context.Context, stop func(), work func(context.Context) error) error {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go o.heed(signals, stop, end)
	return work(ctx)
}

// heed stops the work a little more with each signal.
func (o *startOptions) heed(signals <-chan os.Signal, stop, end func()) {
	for count := 1; ; count++ {
		<-signals
		switch count {
		case 1:
			o.env.Say("Stopping: no new runs are taken.")
			stop()
		case 2:
			o.env.Warn("Ending the runs in hand.")
			stop()
		default:
			end()
			return
		}
	}
}

func (o *startOptions) choosePool(ctx context.Context, c *client.Client) error {
	if o.pool != "" {
		return nil
	}
	if !o.env.Interactive() {
		return cli.Usagef("Missing required option '--pool' / '-p'.")
	}
	names, err := poolNames(ctx, c)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return cli.Usagef("there is no work pool yet; name one with --pool and it is created")
	}
	i, err := o.env.Streams.Select(ctx, "Which work pool?", names)
	if err != nil {
		return err
	}
	o.pool = names[i]
	return nil
}

// chooseKind finds out which type of worker the pool wants.
func (o *startOptions) chooseKind(ctx context.Context, c *client.Client) error {
	pool, err := c.ReadWorkPool(ctx, o.pool)
	switch {
	case err == nil:
		o.warnIfPaused(ctx, c, pool)
		if o.kind == "" {
			o.kind = pool.Type
			o.env.Sayf("Discovered type '%s' for work pool '%s'.", o.kind, o.pool)
		}
	case api.CodeOf(err) == api.CodeNotFound && o.kind == "":
		o.kind = "process"
		o.env.Warn(fmt.Sprintf("Work pool '%s' does not exist and no worker type was provided. Starting a process worker...", o.pool))
	case api.CodeOf(err) == api.CodeUnavailable && o.kind != "":
		o.env.Warn("The API can't be reached; the worker starts and keeps trying. " + err.Error())
	case api.CodeOf(err) != api.CodeNotFound:
		return cli.WithHint(err, "with --type the worker starts anyway and keeps trying")
	}
	return checkKind(o.kind)
}

func checkKind(kind string) error {
	switch {
	case kinds[kind] != "":
		return nil
	case strings.HasSuffix(kind, ":push") || strings.HasSuffix(kind, ":managed"):
		return cli.Usagef("Workers are not required for push work pools. Runs of type %q are started by `usher executor start`, which the server's operator runs.", kind)
	case kind == "prefect-agent":
		return cli.Usagef("'prefect-agent' work pools are served by agents, which no longer exist; create a pool of type process")
	}
	return cli.Fail(cli.Failure, fmt.Sprintf("this version of usher has no worker of type %q", kind),
		"use a work pool of one of the types process, docker, kubernetes, ecs; or run `prefect worker start --type %s` against the same API", kind)
}

func (o *startOptions) warnIfPaused(ctx context.Context, c *client.Client, pool api.WorkPoolResponse) {
	if pool.IsPaused {
		o.env.Warn(fmt.Sprintf("The work pool '%s' is paused. This worker will not execute any flow runs until it is resumed.", pool.Name))
		return
	}
	queues, err := c.ReadWorkQueuesInWorkPools(ctx, pool.Name, &api.ReadWorkQueuesInWorkPoolsRequest{})
	if err != nil || len(queues) == 0 {
		return // only a courtesy
	}
	wanted := map[string]bool{}
	for _, q := range o.queues {
		wanted[q] = true
	}
	for _, q := range queues {
		if (len(wanted) == 0 || wanted[q.Name]) && !q.IsPaused {
			return
		}
	}
	o.env.Warn(fmt.Sprintf("All work queues that this worker serves in work pool '%s' are paused.", pool.Name))
}

func (o *startOptions) options(cmd *cobra.Command, settings *profile.Settings, c *client.Client) (*worker.Options, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find usher's own program: %w", err)
	}
	template, err := o.template()
	if err != nil {
		return nil, err
	}
	if o.name == "" {
		o.name = kinds[o.kind] + " " + uuid.NewString()
	}
	if cmd.Flags().Changed("install-policy") {
		o.env.Say("--install-policy has no effect: the types of workers are built in.")
	}
	prefetch := settings.Value("PREFECT_WORKER_PREFETCH_SECONDS").Float()
	if cmd.Flags().Changed("prefetch-seconds") {
		prefetch = o.prefetch
	}
	sources, err := cli.SecretSources(settings, o.env.Now)
	if err != nil {
		return nil, err
	}
	return &worker.Options{
		Client: c, Secrets: sources, Pool: o.pool, Name: o.name, Queues: o.queues,
		Prefetch: max(seconds(prefetch), time.Millisecond), Query: seconds(settings.Value("PREFECT_WORKER_QUERY_SECONDS").Float()),
		Heartbeat: seconds(settings.Value("PREFECT_WORKER_HEARTBEAT_SECONDS").Float()),
		Limit:     o.limit, RunOnce: o.runOnce, CreatePool: o.createPool, BaseJobTemplate: template,
		Home: settings.Home(), Binary: binary, Settings: childSettings(settings, c), Environ: o.environ(settings), Credentials: o.credentials(settings), DrainTimeout: o.drainTimeout,
		Output: o.env.Streams.Out, Notice: o.env.Sayf, Now: o.env.Now,
		Warn: func(format string, args ...any) { o.env.Warn(fmt.Sprintf(format, args...)) },
	}, nil
}

// environ is the worker's environment with what lets its runs in, which changes where a login
// is renewed.
func (o *startOptions) environ(settings *profile.Settings) func() []string {
	login := o.login(settings)
	return func() []string { return append(os.Environ(), login()...) }
}

// credentials are the part of it that makes sense on another machine: no folders of this one.
func (o *startOptions) credentials(settings *profile.Settings) func() []string {
	login := o.login(settings)
	return func() []string {
		return slices.DeleteFunc(login(), func(pair string) bool {
			return strings.HasPrefix(pair, "PREFECT_HOME=") || strings.HasPrefix(pair, "PREFECT_PROFILES_PATH=")
		})
	}
}

func (o *startOptions) login(settings *profile.Settings) func() []string {
	return func() []string {
		login, err := o.env.Environ(context.Background(), settings)
		if err != nil {
			o.env.Warn("runs are not let in at the API: " + err.Error())
		}
		return login
	}
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }

// childSettings are the settings that a flow's process gets, so that it talks to the same
// API as its worker whatever file the settings come from.
func childSettings(settings *profile.Settings, c *client.Client) map[string]string {
	env := map[string]string{"PREFECT_API_URL": c.BaseURL()}
	for _, pair := range settings.Environ() {
		if name, value, ok := strings.Cut(pair, "="); ok && name != "PREFECT_API_URL" && name != "PREFECT_HOME" {
			env[name] = value
		}
	}
	return env
}

func (o *startOptions) template() (jsontext.Value, error) {
	if o.baseJobTemplate == "" {
		return nil, nil
	}
	data, err := os.ReadFile(o.baseJobTemplate)
	if err != nil {
		return nil, cli.Usagef("the base job template can't be read: %v", err)
	}
	value := jsontext.Value(data)
	if !value.IsValid() {
		return nil, cli.Usagef("%s is not valid JSON", o.baseJobTemplate)
	}
	return value, nil
}

// serveHealth answers health checks where the settings say; only on this machine unless
// they name a host.
func (o *startOptions) serveHealth(ctx context.Context, settings *profile.Settings, handler http.Handler) (stop func(), err error) {
	host := settings.Value("PREFECT_WORKER_WEBSERVER_HOST")
	name := host.Text
	if host.Source == profile.FromDefault || name == "" {
		name = "127.0.0.1"
	}
	address := net.JoinHostPort(name, strconv.Itoa(settings.Value("PREFECT_WORKER_WEBSERVER_PORT").Int()))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, cli.Fail(cli.Failure, "the health check can't listen on "+address+": "+err.Error(), "set PREFECT_WORKER_WEBSERVER_PORT to a free port")
	}
	o.env.Sayf("Health checks are answered at http://%s/health", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.env.Warn("The health check stopped: " + err.Error())
		}
	}()
	return func() {
		server.Close() //nolint:errcheck // the worker is done
		<-done
	}, nil
}
