// Package globallimit holds the commands about global concurrency limits.
package globallimit

import (
	"context"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher global-concurrency-limit.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("global-concurrency-limit", "limit how often something is done at once, anywhere", []string{"global-concurrency-limits", "gcl"}, func() []*cobra.Command {
		return []*cobra.Command{
			newListCmd(env),
			newInspectCmd(env),
			newCreateCmd(env),
			newUpdateCmd(env),
			newToggleCmd(env, true),
			newToggleCmd(env, false),
			newDeleteCmd(env),
		}
	})
	cmd.Example = "usher gcl create database --limit 5\nusher gcl ls"
	return cmd
}

// nameArgument is the limit that a verb is about.
func nameArgument(env *cli.Env, value *string) cli.Positional {
	return cli.Positional{Name: "name", Value: value, Required: true, Complete: env.Complete(names)}
}

func names(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := readAll(ctx, c)
	found := make([]string, len(list))
	for i := range list {
		found[i] = list[i].Name
	}
	return found, err
}

func readAll(ctx context.Context, c *client.Client) ([]api.GlobalConcurrencyLimitResponse, error) {
	return find.Pages(0, reader(ctx, c))
}

// reader reads limits page by page.
func reader(ctx context.Context, c *client.Client) func(offset, limit int) ([]api.GlobalConcurrencyLimitResponse, error) {
	return func(offset, limit int) ([]api.GlobalConcurrencyLimitResponse, error) {
		return c.ReadAllConcurrencyLimitsV2(ctx, &api.ReadAllConcurrencyLimitsV2Request{Offset: api.Some(offset), Limit: api.Some(limit)})
	}
}

// read reads a limit, or says which name is near.
func read(ctx context.Context, c *client.Client, name string) (api.GlobalConcurrencyLimitResponse, error) {
	found, err := c.ReadConcurrencyLimitV2(ctx, key(name))
	if api.CodeOf(err) != api.CodeNotFound {
		return found, err
	}
	all, listErr := names(ctx, c)
	if listErr != nil {
		return found, err
	}
	return found, cli.NotFound("global concurrency limit", name, all)
}

// resultFlags are those of a verb that changes a limit.
func resultFlags(cmd *cobra.Command, options *output.Options) {
	cli.ResultFlags(cmd, options, output.FieldsOf[api.GlobalConcurrencyLimitResponse]())
}

// result tells what a verb did to a limit.
func result(ctx context.Context, env *cli.Env, options output.Options, c *client.Client, name, words string, args ...any) error {
	return cli.ResultOf(env, options, func() (api.GlobalConcurrencyLimitResponse, error) { return c.ReadConcurrencyLimitV2(ctx, key(name)) }, words, args...)
}

// key is a name as the client puts it into a path: as it is.
func key(name string) jsontext.Value { return jsontext.Value(name) }

func columns() []output.Column[api.GlobalConcurrencyLimitResponse] {
	type limit = api.GlobalConcurrencyLimitResponse
	return []output.Column[limit]{
		{Name: "ID", Value: func(l limit) string { return l.ID.String() }, Whole: true, Rank: 3},
		{Name: "Name", Value: func(l limit) string { return l.Name }, Tone: func(limit) output.Tone { return output.Strong }},
		output.SwitchColumn("Active", func(l limit) bool { return l.Active }).At(1),
		{Name: "Limit", Value: func(l limit) string { return strconv.Itoa(l.Limit) }, Right: true},
		{Name: "Active slots", Value: func(l limit) string { return strconv.Itoa(l.ActiveSlots) }, Right: true},
		{Name: "Slot decay per second", Value: func(l limit) string { return strconv.FormatFloat(float64(l.SlotDecayPerSecond), 'f', -1, 64) }, Right: true, Rank: 2},
	}
}
