// Package variable holds the commands about variables: named JSON values that flows read.
package variable

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher variable.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("variable", "keep named values that flows read", []string{"variables"}, func() []*cobra.Command {
		return []*cobra.Command{newListCmd(env), newGetCmd(env), newInspectCmd(env), newSetCmd(env), newUnsetCmd(env)}
	})
	cmd.Example = "usher variable set threshold 0.5\nusher variable get threshold"
	return cmd
}

// nameArgument is the variable that a verb is about.
func nameArgument(env *cli.Env, value *string) cli.Positional {
	return cli.Positional{Name: "name", Value: value, Required: true, Complete: env.Complete(find.Variables)}
}

// read reads a variable, or says which name is near.
func read(ctx context.Context, c *client.Client, name string) (api.Variable, error) {
	v, err := c.ReadVariableByName(ctx, name)
	if api.CodeOf(err) != api.CodeNotFound {
		return v, err
	}
	names, listErr := find.Variables(ctx, c)
	if listErr != nil {
		return v, err
	}
	return v, cli.NotFound("variable", name, names)
}

func columns() []output.Column[api.Variable] {
	return []output.Column[api.Variable]{
		{Name: "Name", Value: func(v api.Variable) string { return v.Name }, Tone: func(api.Variable) output.Tone { return output.Strong }, Whole: true},
		{Name: "Value", Value: value},
		{
			Name: "Created", Value: func(v api.Variable) string { return output.Stamp(v.Created) },
			Human: func(v api.Variable, now time.Time) string { return output.AgoPtr(now, v.Created) }, Rank: 2,
		},
		{
			Name: "Updated", Value: func(v api.Variable) string { return output.Stamp(v.Updated) },
			Human: func(v api.Variable, now time.Time) string { return output.AgoPtr(now, v.Updated) }, Rank: 1,
		},
	}
}

// value is the value as JSON on one line, whatever it is.
func value(v api.Variable) string {
	compact := v.Value.Clone()
	if err := compact.Compact(); err != nil {
		return string(v.Value)
	}
	return string(compact)
}
