package automation

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type listOptions struct {
	env    *cli.Env
	output output.Options
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list automations",
		Example: "usher automation ls\nusher automation ls --json id,name,enabled",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Automation]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	return find.List(o.env, o.output, columns(), "No automations found. `usher automation create --from-file <file>` makes some.", 0, reader(ctx, c, nil))
}
