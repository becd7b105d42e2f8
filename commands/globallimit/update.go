package globallimit

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

type updateOptions struct {
	env             *cli.Env
	name            string
	enable, disable bool
	limit           int
	activeSlots     int
	decay           float64
	output          output.Options
}

func newUpdateCmd(env *cli.Env) *cobra.Command {
	opts := &updateOptions{env: env}
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "change a global concurrency limit",
		Example: "usher gcl update database --limit 8\nusher gcl update database --active-slots 0",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name))
	flags := cmd.Flags()
	flags.BoolVar(&opts.enable, "enable", false, "put it into force")
	flags.BoolVar(&opts.disable, "disable", false, "let everybody through for now")
	flags.IntVarP(&opts.limit, "limit", "l", 0, "how many slots there are")
	flags.IntVar(&opts.activeSlots, "active-slots", 0, "how many slots are taken")
	flags.Float64Var(&opts.decay, "slot-decay-per-second", 0, "how many slots come free by themselves each second")
	resultFlags(cmd, &opts.output)
	return cmd
}

func (o *updateOptions) run(cmd *cobra.Command) error {
	update, err := o.update(cmd)
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if err := change(cmd.Context(), c, o.name, update); err != nil {
		return err
	}
	return result(cmd.Context(), o.env, o.output, c, o.name, "Updated global concurrency limit %q.", o.name)
}

func (o *updateOptions) update(cmd *cobra.Command) (*api.ConcurrencyLimitV2Update, error) {
	flags := cmd.Flags()
	update, given := &api.ConcurrencyLimitV2Update{}, 0
	if flags.Changed("enable") && flags.Changed("disable") {
		return nil, cli.Usagef("say either --enable or --disable, not both")
	}
	for name, set := range map[string]func(){
		"enable":                func() { update.Active = api.Some(o.enable) },
		"disable":               func() { update.Active = api.Some(!o.disable) },
		"limit":                 func() { update.Limit = api.Some(o.limit) },
		"active-slots":          func() { update.ActiveSlots = api.Some(o.activeSlots) },
		"slot-decay-per-second": func() { update.SlotDecayPerSecond = api.Some(api.Float(o.decay)) },
	} {
		if flags.Changed(name) {
			set()
			given++
		}
	}
	if given == 0 {
		return nil, cli.Usagef("nothing to change: say --limit, --active-slots, --slot-decay-per-second, --enable or --disable")
	}
	return update, nil
}

// change changes a limit, or says which name is near.
func change(ctx context.Context, c *client.Client, name string, update *api.ConcurrencyLimitV2Update) error {
	err := c.UpdateConcurrencyLimitV2(ctx, key(name), update)
	if api.CodeOf(err) != api.CodeNotFound {
		return err
	}
	if _, near := read(ctx, c, name); near != nil {
		return near
	}
	return err
}

type toggleOptions struct {
	env  *cli.Env
	name string
	on   bool

	output output.Options
}

// newToggleCmd makes enable and disable.
func newToggleCmd(env *cli.Env, on bool) *cobra.Command {
	opts := &toggleOptions{env: env, on: on}
	verb, short := "disable", "let everybody through a global concurrency limit"
	if on {
		verb, short = "enable", "put a global concurrency limit into force"
	}
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: "usher gcl " + verb + " database",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context(), verb) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name))
	resultFlags(cmd, &opts.output)
	return cmd
}

// run refuses what is so already, as the reference does.
func (o *toggleOptions) run(ctx context.Context, verb string) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	limit, err := read(ctx, c, o.name)
	if err != nil {
		return err
	}
	if limit.Active == o.on {
		return cli.Fail(cli.Refused, fmt.Sprintf("global concurrency limit %q is %sd already", o.name, verb), "")
	}
	if err := change(ctx, c, o.name, &api.ConcurrencyLimitV2Update{Active: api.Some(o.on)}); err != nil {
		return err
	}
	return result(ctx, o.env, o.output, c, o.name, "Global concurrency limit %q is %sd.", o.name, verb)
}
