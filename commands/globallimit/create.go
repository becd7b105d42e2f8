package globallimit

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type createOptions struct {
	env         *cli.Env
	name        string
	limit       int
	disable     bool
	activeSlots int
	decay       float64
	output      output.Options
}

func newCreateCmd(env *cli.Env) *cobra.Command {
	opts := &createOptions{env: env}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "make a global concurrency limit",
		Example: "usher gcl create database --limit 5\nusher gcl create web-api --limit 10 --slot-decay-per-second 2.5",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &opts.name, Required: true})
	flags := cmd.Flags()
	flags.IntVarP(&opts.limit, "limit", "l", 0, "how many slots there are")
	flags.BoolVar(&opts.disable, "disable", false, "let everybody through for now")
	flags.IntVar(&opts.activeSlots, "active-slots", 0, "how many slots are taken already")
	flags.Float64Var(&opts.decay, "slot-decay-per-second", 0, "how many slots come free by themselves each second")
	resultFlags(cmd, &opts.output)
	return cmd
}

func (o *createOptions) run(cmd *cobra.Command) error {
	if !cmd.Flags().Changed("limit") {
		return cli.Usagef("say how many slots there are: --limit")
	}
	return o.create(cmd.Context())
}

func (o *createOptions) create(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	_, err = c.CreateConcurrencyLimitV2(ctx, &api.ConcurrencyLimitV2Create{
		Name: o.name, Limit: o.limit, Active: api.Some(!o.disable), ActiveSlots: api.Some(o.activeSlots), SlotDecayPerSecond: api.Some(api.Float(o.decay)),
	})
	if api.CodeOf(err) == api.CodeConflict {
		return cli.Fail(cli.Refused, fmt.Sprintf("there is a global concurrency limit named %q already", o.name), "`usher gcl update %s --limit %d` changes it", o.name, o.limit)
	}
	if err != nil {
		return err
	}
	return result(ctx, o.env, o.output, c, o.name, "Created global concurrency limit %q with %d slots.", o.name, o.limit)
}
