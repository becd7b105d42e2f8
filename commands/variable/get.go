package variable

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type getOptions struct {
	env    *cli.Env
	output output.Options
	web    bool
	name   string
}

func newGetCmd(env *cli.Env) *cobra.Command {
	opts := &getOptions{env: env}
	cmd := &cobra.Command{
		Use:     "get",
		Short:   "print the value of a variable, as JSON",
		Example: "usher variable get threshold",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.get(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name))
	cli.ResultFlags(cmd, &opts.output, nil)
	return cmd
}

func (o *getOptions) get(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	v, err := read(ctx, c, o.name)
	if err != nil {
		return err
	}
	return o.env.Printer(o.output).Value(v.Value)
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &getOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show a variable",
		Example: "usher variable inspect threshold -o json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.inspect(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name))
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Variable]())
	return cmd
}

func (o *getOptions) inspect(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	v, err := read(ctx, c, o.name)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, "/variables")
	}
	properties := append(columns(),
		output.Column[api.Variable]{Name: "Tags", Value: func(v api.Variable) string { return strings.Join(v.Tags, ", ") }},
		output.Column[api.Variable]{Name: "ID", Value: func(v api.Variable) string { return v.ID.String() }, Whole: true},
	)
	return output.Detail(o.env.Printer(o.output), v, properties)
}
