package variable

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

type setOptions struct {
	env       *cli.Env
	name      string
	value     string
	overwrite bool
	tags      []string
	retag     bool
	output    output.Options
}

func newSetCmd(env *cli.Env) *cobra.Command {
	opts := &setOptions{env: env}
	cmd := &cobra.Command{
		Use:     "set",
		Short:   "give a variable its value: JSON, or else a text",
		Example: "usher variable set threshold 0.5\nusher variable set threshold '{\"low\": 0.1}' --overwrite --tag tuning",
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.retag = cmd.Flags().Changed("tag")
			return opts.run(cmd.Context())
		},
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name), cli.Positional{Name: "value", Value: &opts.value, Required: true})
	cmd.Flags().BoolVar(&opts.overwrite, "overwrite", false, "change the variable if there is one; it keeps its tags")
	cmd.Flags().StringArrayVar(&opts.tags, "tag", nil, "a `tag`; repeatable")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Variable]())
	return cmd
}

func (o *setOptions) run(ctx context.Context) error {
	value := jsontext.Value(o.value)
	if !value.IsValid() {
		text, err := json.Marshal(o.value)
		if err != nil {
			return fmt.Errorf("write the value as JSON: %w", err)
		}
		value = text
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if o.overwrite {
		return o.change(ctx, c, value)
	}
	return o.create(ctx, c, value)
}

func (o *setOptions) create(ctx context.Context, c *client.Client, value jsontext.Value) error {
	made, err := c.CreateVariable(ctx, &api.VariableCreate{Name: o.name, Value: value, Tags: api.Some(append([]string{}, o.tags...))})
	if api.CodeOf(err) == api.CodeConflict {
		return cli.Fail(cli.Refused, fmt.Sprintf("there is a variable named %q already", o.name), "--overwrite changes it")
	}
	if err != nil {
		return err
	}
	return cli.Result(o.env, o.output, made, "Set variable %q.", o.name)
}

func (o *setOptions) change(ctx context.Context, c *client.Client, value jsontext.Value) error {
	update := &api.VariableUpdate{Value: api.Some(value)}
	if o.retag {
		update.Tags = api.Some(append([]string{}, o.tags...))
	}
	err := c.UpdateVariableByName(ctx, o.name, update)
	if api.CodeOf(err) == api.CodeNotFound {
		return o.create(ctx, c, value)
	}
	if err != nil {
		return err
	}
	return cli.ResultOf(o.env, o.output, func() (api.Variable, error) { return c.ReadVariableByName(ctx, o.name) }, "Set variable %q.", o.name)
}
