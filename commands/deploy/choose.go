package deploy

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/deploy"
	"github.com/usherhq/usher/internal/profile"
)

// choose finds the deployments that are meant.
func (o *deployOptions) choose(ctx context.Context, file *deploy.File) ([]deploy.Config, error) {
	chosen, err := file.Choose(o.selection)
	if errors.Is(err, deploy.ErrAmbiguous) {
		return o.pick(ctx, file)
	}
	if err != nil {
		return nil, err
	}
	for _, missing := range chosen.Missing {
		err := o.notFound(missing, names(file.Deployments))
		if len(chosen.Missing) == len(chosen.Names) && o.flags.Entrypoint == "" {
			return nil, err
		}
		message, hint := cli.Report(err)
		o.env.Warn(strings.TrimSpace(message + "; " + hint))
	}
	if len(chosen.Names) == 1 {
		o.flags.Name = chosen.Names[0][strings.LastIndexByte(chosen.Names[0], '/')+1:]
	}
	return chosen.Configs, nil
}

func (o *deployOptions) notFound(missing string, known []string) error {
	err := cli.NotFound("deployment in "+o.file, missing, known)
	if _, hint := cli.Report(err); hint != "" {
		return err
	}
	return cli.WithHint(err, "it has %s", strings.Join(known, ", "))
}

// pick lets a person choose among the deployments of the file.
func (o *deployOptions) pick(ctx context.Context, file *deploy.File) ([]deploy.Config, error) {
	list := names(file.Deployments)
	if !o.env.Interactive() || len(list) == 0 {
		return nil, cli.WithHint(deploy.ErrAmbiguous, "--all deploys all; -n NAME one of %s", strings.Join(list, ", "))
	}
	i, err := o.env.Streams.Select(ctx, "Which deployment?", append(list, "all of them"))
	if err != nil {
		return nil, err
	}
	if i == len(list) {
		return file.Deployments, nil
	}
	chosen, err := file.Choose(deploy.Selection{Names: list[i : i+1]})
	return chosen.Configs, err
}

// complete adds what the settings say and what a person is asked for. Questions are for one
// deployment; with several the default work pool counts where none is named.
func (o *deployOptions) complete(cmd *cobra.Command, settings *profile.Settings, file *deploy.File, configs []deploy.Config) ([]deploy.Config, error) {
	pool := settings.Value("PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME").Text
	if len(configs) == 1 {
		o.flags.WorkPool = cmp.Or(o.flags.WorkPool, pool) // over the file's, as in the reference
		one, err := o.ask(cmd.Context(), file, configs[0])
		return []deploy.Config{one}, err
	}
	if o.flags.Entrypoint != "" {
		o.env.Warn("several deployments are made, so the entrypoint " + o.flags.Entrypoint + " is ignored")
	}
	o.flags.Name, o.flags.Entrypoint, o.flags.DefaultWorkPool = "", "", pool
	return slices.DeleteFunc(slices.Clone(configs), func(c deploy.Config) bool {
		if c.Name() == "" {
			o.env.Warn("a deployment without a name is left out")
		}
		return c.Name() == ""
	}), nil
}

// ask asks a person for what neither flags nor file say.
func (o *deployOptions) ask(ctx context.Context, file *deploy.File, c deploy.Config) (answered deploy.Config, err error) {
	if !o.env.Interactive() {
		return c, nil
	}
	if o.flags.Entrypoint == "" && c.Entrypoint() == "" && c["usher"] == nil {
		o.asked = true
		if o.flags.Entrypoint, err = o.askFlow(ctx); err != nil {
			return nil, err
		}
	}
	if o.flags.Name == "" && c.Name() == "" {
		o.asked = true
		if o.flags.Name, err = o.env.Streams.Input(ctx, "Name of the deployment", "default"); err != nil {
			return nil, err
		}
	}
	if o.flags.WorkPool == "" && c.WorkPool() == "" {
		if err := o.askPool(ctx); err != nil {
			return nil, err
		}
	}
	return o.more(ctx, file, c)
}

// askFlow lets a person choose among the flows of the directory, or name another.
func (o *deployOptions) askFlow(ctx context.Context) (string, error) {
	if found := deploy.FindFlows("."); len(found) > 0 {
		i, err := o.env.Streams.Select(ctx, "Which flow?", append(found, "another"))
		if err != nil {
			return "", err
		}
		if i < len(found) {
			return found[i], nil
		}
	}
	return o.env.Streams.Input(ctx, "Which flow? (path/to/file.py:function)", "")
}

func (o *deployOptions) askPool(ctx context.Context) error {
	o.asked = true
	client, err := o.env.Client()
	if err != nil {
		return err
	}
	pools, err := poolNames(ctx, client)
	if err != nil {
		return err
	}
	if len(pools) == 0 {
		return o.makePool(ctx, client)
	}
	i, err := o.env.Streams.Select(ctx, "Which work pool?", pools)
	if err == nil {
		o.flags.WorkPool = pools[i]
	}
	return err
}

// makePool makes the first work pool, if the person wants it.
func (o *deployOptions) makePool(ctx context.Context, c *client.Client) error {
	yes, err := o.env.Streams.Confirm(ctx, "There is no work pool yet. Make one?", true)
	if err != nil {
		return err
	}
	if !yes {
		return cli.Fail(cli.NoSuch, "there is no work pool yet", "`usher work-pool create default --type process` makes one")
	}
	kinds := []string{"process", "docker", "kubernetes", "ecs"}
	i, err := o.env.Streams.Select(ctx, "Of which type?", kinds)
	if err != nil {
		return err
	}
	name, err := o.env.Streams.Input(ctx, "Name of the work pool", "default")
	if err != nil {
		return err
	}
	made, err := c.CreateWorkPool(ctx, &api.WorkPoolCreate{Name: name, Type: api.Some(kinds[i])})
	o.flags.WorkPool = made.Name
	return err
}

// offerSaving asks a person who was asked for something whether to keep the answers in the file.
func (o *deployOptions) offerSaving(ctx context.Context, file *deploy.File, c deploy.Config) error {
	if !o.asked {
		return nil
	}
	yes, err := o.env.Streams.Confirm(ctx, "Save this deployment to "+o.file+"?", true)
	if err != nil || !yes {
		return err
	}
	if err := file.Save(c, o.flags); err != nil {
		return err
	}
	o.env.Sayf("Saved to %s.", o.file)
	return nil
}
