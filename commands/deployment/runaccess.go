package deployment

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type runAccessOptions struct {
	env    *cli.Env
	output output.Options
	name   string

	blocks, variables          []string
	noBlocks, noVariables, all bool
}

func newRunAccessCmd(env *cli.Env) *cobra.Command {
	o := &runAccessOptions{env: env}
	cmd := &cobra.Command{
		Use:   "run-access",
		Short: "see and decide which blocks and variables the runs of a deployment may use",
		Long: "On a server with accounts the program of a run has a token of its own, which reaches any block and variable of the workspace by name unless its deployment lists those that it needs. " +
			"A list replaces the one before; a block brings those that it refers to. Without flags it shows what is so.",
		Example: "usher deployment run-access etl/nightly\nusher deployment run-access etl/nightly --block secret/warehouse --no-variables\nusher deployment run-access etl/nightly --all",
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &o.name, true))
	flags := cmd.Flags()
	flags.StringArrayVar(&o.blocks, "block", nil, "a block that runs may read, as `type/name`; again for more")
	flags.StringArrayVar(&o.variables, "variable", nil, "a variable that runs may use, by `name`; again for more")
	flags.BoolVar(&o.noBlocks, "no-blocks", false, "no block at all")
	flags.BoolVar(&o.noVariables, "no-variables", false, "no variable at all")
	flags.BoolVar(&o.all, "all", false, "all blocks and variables of the workspace again")
	cli.ResultFlags(cmd, &o.output, output.FieldsOf[api.RunAccess]())
	return cmd
}

func (o *runAccessOptions) run(ctx context.Context) error {
	blocks, variables := o.noBlocks || len(o.blocks) > 0, o.noVariables || len(o.variables) > 0
	switch {
	case o.noBlocks && len(o.blocks) > 0, o.noVariables && len(o.variables) > 0:
		return cli.Usagef("say either which ones or none, not both")
	case o.all && (blocks || variables):
		return cli.Usagef("--all takes the lists away: say it alone")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	d, err := find.Deployment(ctx, c, o.name)
	if err != nil {
		return err
	}
	now, err := c.ReadRunAccess(ctx, d.ID)
	if err != nil {
		return err
	}
	if o.all {
		now = api.RunAccess{}
	}
	if blocks {
		now.Blocks = listed(o.blocks)
	}
	if variables {
		now.Variables = listed(o.variables)
	}
	if o.all || blocks || variables {
		if now, err = c.UpdateRunAccess(ctx, d.ID, &now); err != nil {
			return err
		}
	}
	return cli.Result(o.env, o.output, now, "Runs of %q may use %s and %s.", o.name, worded(now.Blocks, "blocks"), worded(now.Variables, "variables"))
}

func listed(names []string) *[]string {
	list := append([]string{}, names...)
	return &list
}

func worded(list *[]string, what string) string {
	switch {
	case list == nil:
		return "all " + what
	case len(*list) == 0:
		return "no " + what
	}
	return "the " + what + " " + strings.Join(*list, ", ")
}
