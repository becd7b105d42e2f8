package deploy

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/deploy"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/python"
)

func (o *deployOptions) run(cmd *cobra.Command) error {
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	file, err := o.load(cmd.Flags().Changed("prefect-file"))
	if err != nil {
		return err
	}
	if !slices.Contains([]deploy.Inspection{deploy.Auto, deploy.Source, deploy.Import}, deploy.Inspection(o.inspect)) {
		return cli.Usagef("--inspect takes auto, source or import, not %q", o.inspect)
	}
	o.readSwitches(cmd)
	configs, err := o.choose(cmd.Context(), file)
	if err != nil {
		return err
	}
	deployer, err := o.deployer(cmd.Context(), settings)
	if err != nil {
		return err
	}
	if configs, err = o.complete(cmd, settings, file, configs); err != nil {
		return err
	}
	deployer.Expect(configs)
	if o.plan || o.check {
		return o.foresee(cmd.Context(), deployer, file, configs)
	}
	done, err := o.deployAll(cmd.Context(), deployer, file, configs)
	if shown := o.show(done, settings); shown != nil {
		return shown
	}
	if err != nil || len(configs) != 1 {
		return err
	}
	return o.offerSaving(cmd.Context(), file, configs[0])
}

// load reads the file; one that was asked for must be there, unless the flags say it all.
// Without one a person is asked.
func (o *deployOptions) load(asked bool) (*deploy.File, error) {
	file, err := deploy.Load(o.file)
	canAsk := o.env.Interactive() && !o.selection.All && !o.plan && !o.check
	if err != nil || file.Exists || (o.flags.Entrypoint != "" || canAsk) && !asked {
		return file, err
	}
	if o.flags.Entrypoint != "" {
		o.env.Warn("there is no file " + o.file + "; the deployment is made of the flags alone")
		return file, nil
	}
	return nil, cli.Fail(cli.NoSuch, "there is no file "+o.file,
		"go to the directory that has it, name another with --prefect-file, or deploy one flow: usher deploy path/to/file.py:flow -n NAME -p POOL")
}

// readSwitches takes what the flags hold that is more than a text.
func (o *deployOptions) readSwitches(cmd *cobra.Command) {
	if cmd.Flags().Changed("concurrency-limit") {
		o.flags.ConcurrencyLimit = &o.limit
	}
	o.flags.NotEnforceSchema = !o.enforce
}

func (o *deployOptions) deployer(ctx context.Context, settings *profile.Settings) (*deploy.Deployer, error) {
	c, err := o.env.Client()
	if err != nil {
		return nil, err
	}
	environ, err := o.env.Environ(ctx, settings)
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	return &deploy.Deployer{
		Client: c, Dir: dir, Env: environment(environ, c.BaseURL()), Python: o.python, Finder: python.NewFinder(), Now: o.env.Now,
		Inspection: deploy.Inspection(o.inspect),
		IsCloud:    settings.ServerType() == profile.Cloud,
	}, nil
}

// environment is what steps and flows see: ours, with the settings, so that Python talks to
// the same API wherever they come from.
func environment(settings []string, apiURL string) map[string]string {
	env := map[string]string{}
	for _, pair := range append(os.Environ(), settings...) {
		if name, value, ok := strings.Cut(pair, "="); ok {
			env[name] = value
		}
	}
	env["PREFECT_API_URL"] = apiURL
	return env
}

// deployAll deploys one after the other; what was done before an error stays.
func (o *deployOptions) deployAll(ctx context.Context, d *deploy.Deployer, file *deploy.File, configs []deploy.Config) ([]deploy.Deployed, error) {
	var done []deploy.Deployed
	for _, c := range configs {
		made, err := o.deployOne(ctx, d, file, c)
		if err != nil {
			return done, err
		}
		done = append(done, made)
	}
	return done, nil
}

func (o *deployOptions) deployOne(ctx context.Context, d *deploy.Deployer, file *deploy.File, c deploy.Config) (deploy.Deployed, error) {
	name := cmp.Or(o.flags.Name, c.Name())
	stop := o.env.Streams.Spin("Deploying " + name)
	defer stop()
	d.Say = func(line string) { stop(); o.env.Say(line) }
	d.Warn = func(text string) { stop(); o.env.Warn(name + ": " + text) }
	return d.Deploy(ctx, file, c, o.flags)
}
