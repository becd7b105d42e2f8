package worker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands/login"
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/secrets"
	"github.com/usherhq/usher/internal/worker"
	"github.com/usherhq/usher/internal/worker/docker"
	"github.com/usherhq/usher/internal/worker/executor"
	"github.com/usherhq/usher/internal/worker/kubernetes"
)

// NewExecutorCmd makes usher executor.
func NewExecutorCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("executor", "execute runs for work pools that have no worker of their own", nil, func() []*cobra.Command {
		return []*cobra.Command{newExecutorStartCmd(env)}
	})
	cmd.Example = "usher executor start"
	return cmd
}

type executorOptions struct {
	startOptions

	engine    string
	namespace string
	bounds    executor.Bounds
	quota     int
	endpoints []string
}

func newExecutorStartCmd(env *cli.Env) *cobra.Command {
	opts := &executorOptions{startOptions: startOptions{env: env}}
	cmd := &cobra.Command{
		Use:   "start",
		Short: "work on push and managed work pools, until interrupted",
		Long: "Works on the pools of all workspaces that the login opens: those of type ecs:push, whose jobs are started at Amazon with the credentials of the pool's block, and, with --engine, " +
			"those of type prefect:managed, whose runs execute in containers of that engine, or pods of that cluster. Whoever starts it leaves the hybrid model: code and data of these pools' runs come to what is attached here.\n" +
			"Of a managed pool's configuration only image, environment, pip_packages and command count; the rest is said here.",
		Example: "usher executor start\nusher executor start --limit 20 --allow-endpoint http://localhost:4566",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&opts.name, "name", "n", "", "the name of its workers (default: executor and this machine's name)")
	flags.StringVar(&opts.engine, "engine", "", "the `engine` that managed runs execute on: docker, which DOCKER_HOST names, or kubernetes, which KUBECONFIG names; without it there are none")
	flags.StringVar(&opts.namespace, "namespace", "", "the `namespace` of the cluster that managed runs are in (default: that of its configuration)")
	flags.StringArrayVar(&opts.bounds.Images, "image", []string{"prefecthq/prefect:", "prefecthq/prefect-client:"}, "a `prefix` of the images that managed runs may execute in; repeatable")
	flags.StringVar(&opts.bounds.Network, "network", "bridge", "the engine's `network` that managed runs are in")
	flags.StringVar(&opts.bounds.Memory, "memory", "16g", "the `size` of a managed run's memory")
	flags.Float64Var(&opts.bounds.CPUs, "cpus", 4, "the processors of a managed run")
	flags.DurationVar(&opts.bounds.Longest, "max-run-time", 24*time.Hour, "how long a managed run may take")
	flags.IntVar(&opts.quota, "quota-minutes", 0, "how many minutes a workspace's managed runs may take in a month (default: no bound)")
	flags.IntVarP(&opts.limit, "limit", "l", 0, "how many runs of a pool to execute at once")
	flags.StringArrayVar(&opts.endpoints, "allow-endpoint", nil, "an `address` that blocks of AWS credentials may name in place of Amazon's own; repeatable")
	flags.DurationVar(&opts.drainTimeout, "drain-timeout", 0, "how long the first interrupt waits for runs (default: until they are done)")
	return cmd
}

func (o *executorOptions) run(cmd *cobra.Command) error {
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if o.name == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("find the name of this machine: %w", err)
		}
		o.name = "executor " + host
	}
	types := []string{executor.ECSPush}
	e := &executor.Executor{
		Spaces: func(ctx context.Context) ([]executor.Space, error) { return o.spaces(ctx, settings, c) },
		Every:  o.every(settings), Warn: func(format string, args ...any) { o.env.Warn(fmt.Sprintf(format, args...)) },
	}
	push := executor.NewPush(o.endpoints)
	defer push.Close()
	kinds := map[string]func(executor.Space) worker.Kind{executor.ECSPush: func(executor.Space) worker.Kind { return push }}
	engine, configure, release, err := o.managedEngine(cmd.Context())
	if err != nil {
		return err
	}
	defer release()
	if engine != nil {
		quotas := map[string]*executor.Quota{}
		types = append(types, executor.ManagedPools)
		kinds[executor.ManagedPools] = func(space executor.Space) worker.Kind {
			if quotas[space.Name] == nil {
				quotas[space.Name] = &executor.Quota{Runs: managedRuns(space.Client), Minutes: o.quota, Now: o.env.Now}
			}
			return &executor.Managed{Engine: engine, Configure: configure, Bounds: o.bounds, Allowance: quotas[space.Name].Allow}
		}
	}
	e.Pools = func(ctx context.Context, space executor.Space) ([]api.WorkPoolResponse, error) {
		return poolsOf(ctx, space.Client, types)
	}
	e.Worker = func(_ context.Context, space executor.Space, pool api.WorkPoolResponse) (*worker.Worker, error) {
		options, err := o.workerOptions(cmd, settings, space.Client, pool)
		if err != nil {
			return nil, err
		}
		return worker.New(*options, kinds[pool.Type](space))
	}
	o.env.Sayf("Executing the runs of pools of type %s. Their code and data come here, or to where their credentials lead.", strings.Join(types, " and "))
	return o.until(cmd.Context(), e.Stop, e.Run)
}

// managedEngine is what managed runs execute on, nil for nothing.
func (o *executorOptions) managedEngine(ctx context.Context) (kind executor.Engine, configure func(string, executor.Bounds) map[string]any, release func(), err error) { //nolint:ireturn // there are two
	release = func() {}
	switch o.engine {
	case "":
		return nil, nil, release, nil
	case "docker":
		engine, err := engine(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		binary, err := os.Executable()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("find usher's own program: %w", err)
		}
		return &docker.Kind{Engine: engine, Binary: binary, Lookup: os.LookupEnv}, executor.Containers, release, nil
	case "kubernetes":
		jobs := kubernetes.New(os.LookupEnv, func(format string, args ...any) { o.env.Warn(fmt.Sprintf(format, args...)) })
		jobs.Namespace = o.namespace
		if err := jobs.Connect(ctx); err != nil {
			jobs.Close()
			return nil, nil, nil, cli.WithHint(err, "name the cluster with KUBECONFIG, and a namespace in which jobs may be made with --namespace")
		}
		return jobs, executor.Jobs(o.namespace), jobs.Close, nil
	}
	return nil, nil, nil, cli.Usagef("--engine %q: there are docker and kubernetes", o.engine)
}

// poolsOf lists the pools of some types.
func poolsOf(ctx context.Context, c *client.Client, types []string) ([]api.WorkPoolResponse, error) {
	return find.Pages(0, func(offset, limit int) ([]api.WorkPoolResponse, error) {
		return c.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{
			WorkPools: &api.WorkPoolFilter{Type: &api.Match[string]{Any: types}}, Offset: api.Some(offset), Limit: api.Some(limit),
		})
	})
}

// managedRuns lists the runs of managed pools that started after a time.
func managedRuns(c *client.Client) func(context.Context, api.Time) ([]api.FlowRunResponse, error) {
	return func(ctx context.Context, after api.Time) ([]api.FlowRunResponse, error) {
		return find.Pages(0, func(offset, limit int) ([]api.FlowRunResponse, error) {
			return c.ReadFlowRuns(ctx, &api.ReadFlowRunsRequest{
				FlowRuns:  &api.FlowRunFilter{StartTime: &api.FlowRunFilterStartTime{After: &after}},
				WorkPools: &api.WorkPoolFilter{Type: &api.Match[string]{Any: []string{executor.ManagedPools}}},
				Sort:      api.Some(api.FlowRunSortStartTimeAsc), Offset: api.Some(offset), Limit: api.Some(limit),
			})
		})
	}
}

// every is how often pools are looked for.
func (o *executorOptions) every(settings *profile.Settings) time.Duration {
	return max(seconds(settings.Value("PREFECT_WORKER_QUERY_SECONDS").Float()), time.Second)
}

// spaces are the workspaces that the login opens; on a server without accounts it is one.
func (o *executorOptions) spaces(ctx context.Context, settings *profile.Settings, c *client.Client) ([]executor.Space, error) {
	root, _, isInside := strings.Cut(c.BaseURL(), "/accounts/")
	if !isInside {
		all, err := login.Workspaces(ctx, c)
		if err != nil || len(all) == 1 && all[0].WorkspaceHandle == "default" && all[0].AccountHandle == "default" {
			return []executor.Space{{Client: c}}, nil //nolint:nilerr // a server that knows no workspaces is one
		}
	}
	rootClient, err := o.env.ConnectTo(settings, root)
	if err != nil {
		return nil, err
	}
	all, err := login.Workspaces(ctx, rootClient)
	if err != nil {
		return nil, err
	}
	var spaces []executor.Space
	for _, w := range all {
		inside, err := o.env.ConnectTo(settings, w.URL(root))
		if err != nil {
			return nil, err
		}
		spaces = append(spaces, executor.Space{Name: w.Handle(), Client: inside})
	}
	return spaces, nil
}

// workerOptions are those of the worker of a pool. Its runs learn nothing of the operator's
// settings, environment and secrets but where the API is.
func (o *executorOptions) workerOptions(cmd *cobra.Command, settings *profile.Settings, c *client.Client, pool api.WorkPoolResponse) (*worker.Options, error) {
	mine := o.startOptions
	mine.pool, mine.kind = pool.Name, pool.Type
	options, err := mine.options(cmd, settings, c)
	if err != nil {
		return nil, err
	}
	options.Home = filepath.Join(options.Home, "executor")
	options.Settings, options.Secrets = map[string]string{"PREFECT_API_URL": c.BaseURL()}, &secrets.Sources{}
	options.Lookup = func(string) (string, bool) { return "", false }
	login := options.Credentials
	options.Credentials = func() []string {
		return slices.DeleteFunc(login(), func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			return name != "PREFECT_API_KEY" && name != "PREFECT_API_AUTH_STRING"
		})
	}
	return options, nil
}
