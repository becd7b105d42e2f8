package flow

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type deleteOptions struct {
	env    *cli.Env
	output output.Options
	names  []string
	yes    bool
}

func newDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &deleteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "remove flows with their deployments and runs",
		Example: "usher flow delete try-out",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Values: &opts.names, Required: true, Complete: env.Complete(find.Flows)})
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Flow]())
	return cmd
}

// run finds all flows before it removes one, so that a wrong name changes nothing.
func (o *deleteOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	flows, quoted := make([]api.Flow, len(o.names)), make([]string, len(o.names))
	for i, name := range o.names {
		flow, err := find.Flow(ctx, c, name)
		if err != nil {
			return err
		}
		flows[i], quoted[i] = *flow, fmt.Sprintf("%q", flow.Name)
	}
	what := "flow " + strings.Join(quoted, ", ")
	if err := o.env.Confirm(ctx, o.yes, "Delete %s with all deployments and runs?", what); err != nil {
		return err
	}
	for i := range flows {
		if err := c.DeleteFlow(ctx, flows[i].ID); err != nil && api.CodeOf(err) != api.CodeNotFound {
			return err
		}
	}
	return cli.Results(o.env, o.output, flows, "Deleted %s.", what)
}
