// Package exec is the verb that runs a program as a flow run, below any worker.
package exec

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/sdk"
	"github.com/usherhq/usher/internal/worker/launch"
	"github.com/usherhq/usher/internal/worker/native"
	"github.com/usherhq/usher/internal/worker/report"
)

// runVariable names the flow run, as workers tell it to the processes that they start.
const runVariable = "PREFECT__FLOW_RUN_ID"

// NewCmd makes usher exec.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec",
		Short: "run a program as a flow run, or logged in as you are",
		Long: "A worker that runs this as the command of a flow run gets what the Python engine would do: states, logs and retries. " +
			"The run is named by " + runVariable + ". Flags: --shell, --retries=N, --retry-delay=SECONDS, --timeout=SECONDS, " +
			"--log-format=auto|plain, --stderr-level=LEVEL, --result=none|file|stdout, --api-access.\n" +
			"Anywhere else it runs the program with the settings in effect and what lets you in: PREFECT_API_URL, PREFECT_API_KEY and\n" +
			"PREFECT_CLOUD_API_URL are there for the program alone, so that Prefect's own commands and flows work without a key\n" +
			"in a file or in the shell.",
		Example:            "usher exec -- ./etl --fast\nusher exec --retries=2 --timeout=600 -- ./etl '{{ parameters.day }}'\nusher exec -- prefect flow ls",
		DisableFlagParsing: true, // everything behind -- is the program's, and the flags are the manifest's
		RunE: func(cmd *cobra.Command, args []string) error {
			if wantsHelp(args) {
				return cmd.Help()
			}
			return run(cmd.Context(), env, args)
		},
	}
	var program []string // parsed by the manifest's own rules
	cli.Positionals(cmd, cli.Positional{Name: "program", Values: &program, Required: true})
	return cmd
}

// wantsHelp looks at the words before the program's.
func wantsHelp(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--help") || slices.Contains(args, "-h")
}

func run(ctx context.Context, env *cli.Env, args []string) error {
	manifest, err := nativeflow.ParseArgs(args)
	if err != nil {
		return cli.Usagef("%v", err)
	}
	if os.Getenv(runVariable) == "" && (args[0] == "--" || !strings.HasPrefix(args[0], "--")) {
		return lend(ctx, env, manifest.Run)
	}
	id, err := uuid.Parse(os.Getenv(runVariable))
	if err != nil {
		return cli.Fail(cli.Usage, "usher exec runs below a worker, which names the flow run in "+runVariable, "to try a program, run it directly")
	}
	c, err := env.Client()
	if err != nil {
		return err
	}
	e, err := newExecutor(env, c)
	if err != nil {
		return err
	}
	// A signal ends the program in steps, so it must not end what reports about it.
	return e.execute(context.WithoutCancel(ctx), id, manifest)
}

// lend runs a program with what lets the user in, in its environment and nowhere else.
func lend(ctx context.Context, env *cli.Env, program []string) error {
	settings, err := env.Settings()
	if err != nil {
		return err
	}
	lent, err := env.Environ(ctx, settings)
	if err != nil {
		return err
	}
	cloud := settings.Value("PREFECT_CLOUD_API_URL").Text
	if root, _, ok := strings.Cut(settings.APIURL(), "/accounts/"); ok {
		cloud = root // makes Prefect's programs authenticate on their sockets, too
	}
	environ := append(append(os.Environ(), lent...), "PREFECT_API_URL="+settings.APIURL(), "PREFECT_CLOUD_API_URL="+cloud)
	return sdk.Replace(program[0], program, environ)
}

// executor is one execution with its own reporting.
type executor struct {
	env    *cli.Env
	client *client.Client
	engine *native.Engine
}

func newExecutor(env *cli.Env, c *client.Client) (*executor, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find usher's own program: %w", err)
	}
	settings, err := env.Settings()
	if err != nil {
		return nil, err
	}
	sources, err := cli.SecretSources(settings, env.Now)
	if err != nil {
		return nil, err
	}
	lost := func(n int, err error) {
		env.Warn(fmt.Sprintf("%d records were refused by the API and are lost: %v", n, err))
	}
	return &executor{env: env, client: c, engine: &native.Engine{
		Client: c, Secrets: sources, States: report.States{Client: c}, Logs: report.NewLogs(c, lost), Events: report.NewEvents(c, env.Now, lost),
		Launcher: launch.Launcher{Binary: binary}, Now: env.Now,
	}}, nil
}

func (e *executor) execute(ctx context.Context, id uuid.UUID, manifest nativeflow.Manifest) error {
	task, cleanup, err := e.task(ctx, id, manifest)
	if err != nil {
		return err
	}
	defer cleanup()
	ctx, end := context.WithCancel(ctx)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		both := make(chan struct{})
		go func() {
			defer close(both)
			e.engine.Events.Run(ctx) //nolint:errcheck // it tells of losses itself
		}()
		e.engine.Logs.Run(ctx) //nolint:errcheck // it tells of losses itself
		<-both
	}()
	_, err = e.engine.Execute(ctx, task, e.stops(ctx, id))
	end()
	<-reported
	if err != nil {
		return err
	}
	return e.verdict(context.WithoutCancel(ctx), id)
}

// verdict is the exit code that the Python engine would have: 1 for a run that failed.
func (e *executor) verdict(ctx context.Context, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	run, err := e.client.ReadFlowRun(ctx, id)
	if err != nil {
		return err
	}
	if run.StateType != nil && (*run.StateType == api.StateTypeFailed || *run.StateType == api.StateTypeCrashed) {
		return cli.Quiet(cli.Failure)
	}
	return nil
}

// task reads what there is to do. The program runs in this directory, or where the
// deployment's pull steps lead.
func (e *executor) task(ctx context.Context, id uuid.UUID, manifest nativeflow.Manifest) (native.Task, func(), error) {
	read, err := e.client.ReadFlowRun(ctx, id)
	if err != nil {
		return native.Task{}, nil, err
	}
	dir, err := scratch()
	if err != nil {
		return native.Task{}, nil, err
	}
	task := native.Task{Manifest: manifest, Env: environment(), Dir: dir, Output: e.env.Streams.Out, Run: flowRun(read)}
	cleanup := func() { os.RemoveAll(dir) } //nolint:errcheck // a temporary directory
	if task.WorkDir, err = os.Getwd(); err != nil {
		cleanup()
		return task, nil, err
	}
	if read.DeploymentID == nil {
		return task, cleanup, nil
	}
	deployment, err := e.client.DeploymentOfRun(ctx, *read.DeploymentID, read.DeploymentVersionID)
	if err == nil {
		task.Schema = deployment.ParameterOpenapiSchema
		say := func(line string) { e.engine.Logs.Add(report.RunnerLogger, id, report.Info, e.env.Now(), line) }
		task.WorkDir, err = e.engine.Pull(ctx, deployment.PullSteps, task.WorkDir, task.Env, say)
	}
	if err != nil {
		cleanup()
		return task, nil, err
	}
	return task, cleanup, nil
}

// scratch makes a temporary directory; images of one program often have no place for any, but
// the folder that a worker copied us to is one.
func scratch() (string, error) {
	dir, err := os.MkdirTemp("", "usher-exec-*")
	if err == nil {
		return dir, nil
	}
	binary, lookErr := os.Executable()
	if lookErr != nil {
		return "", err
	}
	if dir, besideErr := os.MkdirTemp(filepath.Dir(binary), "usher-exec-*"); besideErr == nil {
		return dir, nil
	}
	return "", err
}

// flowRun is the part of the run that the engine needs.
func flowRun(r api.FlowRunResponse) api.FlowRun {
	return api.FlowRun{
		ID: r.ID, Name: r.Name, FlowID: r.FlowID, DeploymentID: r.DeploymentID, DeploymentVersionID: r.DeploymentVersionID, Parameters: r.Parameters, EmpiricalPolicy: r.EmpiricalPolicy,
		RunCount: r.RunCount, ExpectedStartTime: r.ExpectedStartTime,
	}
}

func environment() map[string]string {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		if name, value, ok := strings.Cut(pair, "="); ok {
			env[name] = value
		}
	}
	return env
}

// stops ends the program when the worker signals us; whether that is a cancellation is what
// the run's state says.
func (e *executor) stops(ctx context.Context, id uuid.UUID) <-chan native.Stop {
	signals, stops := make(chan os.Signal, 1), make(chan native.Stop, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
			return
		}
		run, err := e.client.ReadFlowRun(ctx, id)
		if err == nil && run.StateType != nil && *run.StateType == api.StateTypeCancelling {
			stops <- native.StopCancel
			return
		}
		stops <- native.StopShutdown
	}()
	return stops
}
