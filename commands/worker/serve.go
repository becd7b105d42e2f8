package worker

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/deploy"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/python"
	"github.com/usherhq/usher/internal/worker"
)

type serveOptions struct {
	startOptions

	selection   deploy.Selection
	flags       deploy.Options
	file        string
	globalLimit int
	pause       bool
	flowsOnly   bool // the entrypoint is no program
}

// NewServeCmd makes usher serve.
func NewServeCmd(env *cli.Env) *cobra.Command {
	opts := &serveOptions{startOptions: startOptions{env: env, kind: "process"}}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "make deployments and execute their runs here, until interrupted",
		Long: "The deployments have no work pool: their runs execute in this directory, as long as this command goes on. " +
			"An entrypoint is a Python flow, as path/to/file.py:function, or a program with its arguments; without one, deployments of prefect.yaml are served, all if none is named.\n" +
			"The first interrupt pauses the deployments and waits for the runs in hand, the second ends them. The next serve resumes them.",
		Example: "usher serve --all\nusher serve flows.py:etl -n nightly --cron '0 3 * * *' --timezone Europe/Berlin\nusher serve './job.sh --fast' -n quick --interval 60 --limit 2",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "entrypoint", Value: &opts.flags.Entrypoint})
	flags := cmd.Flags()
	flags.StringArrayVarP(&opts.selection.Names, "name", "n", nil, "the `deployment` of the file, a pattern with *, or the new one's name; repeatable")
	flags.BoolVar(&opts.selection.All, "all", false, "every deployment of the file")
	flags.StringVar(&opts.file, "prefect-file", "prefect.yaml", "the `file` with the deployments")
	opts.define(flags)
	return cmd
}

// NewFlowServeCmd makes usher flow serve, which is usher serve of one Python flow.
func NewFlowServeCmd(env *cli.Env) *cobra.Command {
	opts := &serveOptions{startOptions: startOptions{env: env, kind: "process"}, flowsOnly: true}
	var name string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "deploy a Python flow and run it here, in the foreground",
		Long: "The entrypoint is path/to/file.py:function, or package.module.function. The deployment has no work pool: its runs execute in this directory, as long as this command goes on. " +
			"`usher serve` takes programs and the deployments of a prefect.yaml, too.",
		Example: "usher flow serve flows.py:etl --name nightly --cron '0 3 * * *'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" {
				return cli.Usagef("name the deployment with -n NAME")
			}
			opts.selection.Names = []string{name}
			return opts.run(cmd)
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "entrypoint", Value: &opts.flags.Entrypoint, Required: true})
	cmd.Flags().StringVarP(&name, "name", "n", "", "the `name` of the deployment")
	opts.define(cmd.Flags())
	return cmd
}

// define defines the flags that both have.
func (o *serveOptions) define(flags *pflag.FlagSet) {
	f := &o.flags
	flags.StringVarP(&f.Description, "description", "d", "", "what the deployment is for (default: the flow's)")
	flags.StringVarP(&f.Version, "version", "v", "", "a `version` of the deployment")
	flags.StringArrayVarP(&f.Tags, "tag", "t", nil, "a tag of its runs; repeatable")
	flags.StringArrayVar(&f.Param, "param", nil, "a parameter as `key=value`, the value as JSON if it can be read so; repeatable")
	flags.StringArrayVar(&f.Cron, "cron", nil, "run by a cron `expression`; repeatable")
	flags.IntSliceVar(&f.Interval, "interval", nil, "run every so many `seconds`; repeatable")
	flags.StringArrayVar(&f.RRule, "rrule", nil, "run by an iCalendar `rule`; repeatable")
	flags.StringVar(&f.AnchorDate, "anchor-date", "", "what intervals are counted from")
	flags.StringVar(&f.Timezone, "timezone", "", "the time `zone` of all schedules, such as Europe/Berlin")
	flags.BoolVar(&o.pause, "pause-on-shutdown", true, "pause the deployments when it ends")
	flags.IntVar(&o.limit, "limit", 0, "how many runs may go on here at once")
	flags.IntVar(&o.globalLimit, "global-limit", 0, "how many runs of a deployment may go on anywhere at once")
	flags.StringVar(&o.python, "python", "", "the `interpreter` for flows (default: the nearest one that has prefect)")
	o.environments.define(flags)
	flags.IntVar(&o.warm, "warm-interpreters", 0, "how many interpreters to keep that have imported prefect")
	flags.DurationVar(&o.drainTimeout, "drain-timeout", 30*time.Second, "how long the first interrupt waits for runs")
}

func (o *serveOptions) run(cmd *cobra.Command) error {
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("limit") && o.limit < 1 {
		return cli.Usagef("--limit %d: at least one run has to be allowed", o.limit)
	}
	if cmd.Flags().Changed("global-limit") {
		o.flags.ConcurrencyLimit = &o.globalLimit
	}
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	file, configs, err := o.choose()
	if err != nil {
		return err
	}
	ids, names, err := o.deploy(cmd.Context(), c, settings, dir, file, configs)
	if err != nil {
		return err
	}
	o.name = strings.Join(names, ", ")
	if len(names) > 1 {
		o.name = filepath.Base(dir)
	}
	o.name = strings.NewReplacer("/", "-", "%", "-").Replace(o.name)
	options, err := o.options(cmd, settings, c)
	if err != nil {
		return err
	}
	options.Deployments, options.Dir = ids, dir
	options.Query = seconds(settings.Value("PREFECT_RUNNER_POLL_FREQUENCY").Float())
	kind, release, err := o.newKind(cmd.Context(), options)
	if err != nil {
		return err
	}
	defer release()
	w, err := worker.New(*options, kind)
	if err != nil {
		return err
	}
	return o.serve(cmd.Context(), c, w, ids)
}

// choose finds what to serve: the entrypoint alone, or deployments of the file.
func (o *serveOptions) choose() (*deploy.File, []deploy.Config, error) {
	if o.flags.Entrypoint != "" {
		if len(o.selection.Names) != 1 || o.selection.All {
			return nil, nil, cli.Usagef("an entrypoint is served as one deployment; name it with -n NAME")
		}
		o.flags.Name = o.selection.Names[0]
		config := deploy.Config{}
		if file, _, _ := strings.Cut(o.flags.Entrypoint, ":"); !o.flowsOnly && !strings.HasSuffix(file, ".py") {
			config["usher"] = map[string]any{} // a program
		}
		return &deploy.File{Path: o.file}, []deploy.Config{config}, nil
	}
	file, err := deploy.Load(o.file)
	if err != nil {
		return nil, nil, err
	}
	if !file.Exists || len(file.Deployments) == 0 {
		return nil, nil, cli.Fail(cli.NoSuch, "there are no deployments in "+o.file,
			"go to the directory that has it, name another with --prefect-file, or serve one flow: usher serve path/to/file.py:flow -n NAME")
	}
	if len(o.selection.Names) == 0 {
		o.selection.All = true
	}
	chosen, err := file.Choose(o.selection)
	if err == nil && len(chosen.Missing) > 0 {
		err = cli.NotFound("deployment in "+o.file, chosen.Missing[0], nil)
	}
	if len(chosen.Names) == 1 { // the only deployment may be served under another name, as with deploy
		o.flags.Name = chosen.Names[0][strings.LastIndexByte(chosen.Names[0], '/')+1:]
	}
	return file, chosen.Configs, err
}

// deploy makes the deployments, or changes those that are there.
func (o *serveOptions) deploy(ctx context.Context, c *client.Client, settings *profile.Settings, dir string, file *deploy.File, configs []deploy.Config) (ids []uuid.UUID, names []string, err error) {
	env := map[string]string{}
	for _, pair := range o.environ(settings)() {
		if name, value, ok := strings.Cut(pair, "="); ok {
			env[name] = value
		}
	}
	env["PREFECT_API_URL"] = c.BaseURL()
	d := &deploy.Deployer{
		Client: c, Dir: dir, Env: env, Python: o.python, Finder: python.NewFinder(), Now: o.env.Now, Serve: true,
		IsCloud: settings.ServerType() == profile.Cloud, Say: o.env.Say, Warn: o.env.Warn,
	}
	d.Expect(configs)
	for _, config := range configs {
		made, err := d.Deploy(ctx, file, config, o.flags)
		if err != nil {
			return nil, nil, err
		}
		o.env.Sayf("Serving '%s'. Run it with: usher deployment run '%s'", made.FullName(), made.FullName())
		ids, names = append(ids, made.ID), append(names, made.Name)
	}
	return ids, names, nil
}

// serve executes runs until it is interrupted; then the deployments are paused first.
func (o *serveOptions) serve(ctx context.Context, c *client.Client, w *worker.Worker, ids []uuid.UUID) error {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	signals, forwarded := make(chan os.Signal, 3), make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	paused := make(chan error, 1)
	over := make(chan struct{})
	defer close(over)
	go o.heed(forwarded, w.Stop, end)
	go func() {
		for first := true; ; first = false {
			select {
			case s := <-signals:
				forwarded <- s
				if first {
					go func() { paused <- o.pauseAll(ctx, c, ids) }()
				}
			case <-over:
				return
			}
		}
	}()
	if err := w.Run(ctx); err != nil {
		return err
	}
	select {
	case err := <-paused:
		return err
	case <-ctx.Done():
		return nil
	}
}

// pausePatience bounds how long the API may take to hear that deployments are paused.
const pausePatience = 10 * time.Second

func (o *serveOptions) pauseAll(ctx context.Context, c *client.Client, ids []uuid.UUID) error {
	if !o.pause {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pausePatience)
	defer cancel()
	for _, id := range ids {
		if err := c.UpdateDeployment(ctx, id, &api.DeploymentUpdate{Paused: api.Some(true)}); err != nil && api.CodeOf(err) != api.CodeNotFound {
			o.env.Warn(fmt.Sprintf("Deployment %s is not paused: %v", id, err)) // an interrupted command's own error is not shown
			return err
		}
	}
	o.env.Say("Paused the deployments; the next serve resumes them.")
	return nil
}
