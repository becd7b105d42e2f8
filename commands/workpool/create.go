package workpool

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type createOptions struct {
	env       *cli.Env
	output    output.Options
	name      string
	kind      string
	template  string
	limit     int
	limitSet  bool
	paused    bool
	overwrite bool
	asDefault bool
	provision bool
}

func newCreateCmd(env *cli.Env) *cobra.Command {
	opts := &createOptions{env: env}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "make a work pool",
		Example: "usher work-pool create local --type process\nusher work-pool create local --type process --overwrite --paused",
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.limitSet = cmd.Flags().Changed("concurrency-limit")
			return opts.run(cmd.Context())
		},
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &opts.name, Required: true})
	flags := cmd.Flags()
	flags.StringVarP(&opts.kind, "type", "t", "", "the `type` of infrastructure that runs get")
	flags.StringVar(&opts.template, "base-job-template", "", "a JSON `file` with the template of its jobs, instead of the type's")
	flags.IntVar(&opts.limit, "concurrency-limit", 0, "how many runs may go on at once")
	flags.BoolVar(&opts.paused, "paused", false, "hand out no runs until it is resumed")
	flags.BoolVar(&opts.overwrite, "overwrite", false, "change the pool if there is one; it keeps its type")
	flags.BoolVar(&opts.asDefault, "set-as-default", false, "make it the pool of deployments that name none")
	flags.BoolVar(&opts.provision, "provision-infrastructure", false, "set up the cloud service behind a push pool")
	flags.BoolVar(&opts.provision, "provision-infra", false, "")
	flags.Lookup("provision-infra").Hidden = true
	flags.Lookup("provision-infrastructure").Hidden = true
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.WorkPoolResponse]())
	return cmd
}

func (o *createOptions) run(ctx context.Context) error {
	if strings.TrimSpace(o.name) == "" {
		return cli.Usagef("a work pool needs a name")
	}
	if o.provision {
		return provisionRefusal(o.name, cmp.Or(o.kind, "none"))
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if o.kind != "" && !o.overwrite { // nobody is asked: the server says whether it is there
		return o.create(ctx, c)
	}
	old, err := c.ReadWorkPool(ctx, o.name)
	switch {
	case err == nil && !o.overwrite:
		return o.taken()
	case err == nil:
		return o.change(ctx, c, old)
	case api.CodeOf(err) != api.CodeNotFound:
		return err
	}
	return o.create(ctx, c)
}

func (o *createOptions) taken() error {
	return cli.Fail(cli.Refused, fmt.Sprintf("there is a work pool named %q already", o.name), "--overwrite changes it")
}

func (o *createOptions) create(ctx context.Context, c *client.Client) error {
	if err := o.chooseKind(ctx, c); err != nil {
		return err
	}
	job, err := template(ctx, c, o.kind, o.template)
	if err != nil {
		return err
	}
	request := &api.WorkPoolCreate{Name: o.name, Type: api.Some(o.kind), BaseJobTemplate: job, IsPaused: api.Some(o.paused)}
	if o.limitSet {
		request.ConcurrencyLimit = api.Some(o.limit)
	}
	pool, err := c.CreateWorkPool(ctx, request)
	if api.CodeOf(err) == api.CodeConflict {
		return o.taken()
	}
	if err != nil {
		return err
	}
	if strings.HasSuffix(pool.Type, ":push") || strings.HasSuffix(pool.Type, ":managed") {
		o.say("Created work pool %q. `usher executor start`, which the server's operator runs, starts its runs.", pool.Name)
	} else {
		o.say("Created work pool %q. `usher worker start --pool %s` starts a worker for it.", pool.Name, pool.Name)
	}
	return o.finish(pool)
}

// chooseKind asks for the type if none is given.
func (o *createOptions) chooseKind(ctx context.Context, c *client.Client) error {
	if o.kind != "" {
		return nil
	}
	if !o.env.Interactive() {
		return cli.Usagef("a work pool needs a type").WithHint("--type process is for workers that run flows on their own machine")
	}
	found, err := kinds(ctx, c)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(found))
	choices := make([]string, len(names))
	for i, name := range names {
		choices[i] = name + ": " + found[name].Description
	}
	chosen, err := o.env.Streams.Select(ctx, "Which infrastructure are its runs to get?", choices)
	if err != nil {
		return err
	}
	o.kind = names[chosen]
	return nil
}

// change gives a pool that is there already what the flags say.
func (o *createOptions) change(ctx context.Context, c *client.Client, old api.WorkPoolResponse) error {
	job, err := template(ctx, c, old.Type, o.template) // it keeps its type, whatever --type says
	if err != nil {
		return err
	}
	update := &api.WorkPoolUpdate{BaseJobTemplate: job, IsPaused: api.Some(o.paused)}
	if o.limitSet {
		update.ConcurrencyLimit = api.Some(o.limit)
	}
	if err := c.UpdateWorkPool(ctx, o.name, update); err != nil {
		return err
	}
	pool, err := c.ReadWorkPool(ctx, o.name)
	if err != nil {
		return err
	}
	o.say("Updated work pool %q.", pool.Name)
	return o.finish(pool)
}

// say talks to people; a program reads the pool.
func (o *createOptions) say(words string, args ...any) {
	if !o.output.Structured() {
		o.env.Sayf(words, args...)
	}
}

func (o *createOptions) finish(pool api.WorkPoolResponse) error {
	if o.asDefault {
		if err := o.setDefault(pool.Name); err != nil {
			return err
		}
	}
	return output.Detail(o.env.Printer(o.output), pool, summary())
}

// setDefault notes the pool in the active profile.
func (o *createOptions) setDefault(name string) error {
	settings, err := o.env.RawSettings()
	if err != nil {
		return err
	}
	err = profile.Edit(settings.Paths, func(p *profile.Profiles) error {
		return p.Update(settings.Active.Name, []profile.Entry{{Name: "PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME", Value: name}}, nil)
	})
	if err != nil {
		return err
	}
	o.say("It is the default work pool of profile %q.", settings.Active.Name)
	return nil
}
