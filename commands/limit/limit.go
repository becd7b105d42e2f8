// Package limit holds the commands about concurrency limits of tags: how many task runs
// with a tag go on at once.
package limit

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher concurrency-limit.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("concurrency-limit", "limit how many tasks with a tag run at once", []string{"concurrency-limits"}, func() []*cobra.Command {
		return []*cobra.Command{newListCmd(env), newInspectCmd(env), newCreateCmd(env), newResetCmd(env), newDeleteCmd(env)}
	})
	cmd.Example = "usher concurrency-limit create database 5\nusher concurrency-limit ls"
	return cmd
}

// tagArgument is the tag that a verb is about.
func tagArgument(env *cli.Env, value *string) cli.Positional {
	return cli.Positional{Name: "tag", Value: value, Required: true, Complete: env.Complete(tags)}
}

func tags(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.ReadConcurrencyLimits(ctx, &api.ReadConcurrencyLimitsRequest{Limit: api.Some(find.PageSize)})
	found := make([]string, len(list))
	for i := range list {
		found[i] = list[i].Tag
	}
	return found, err
}

// known turns the refusal of a tag without a limit into one that says which is near.
func known(ctx context.Context, c *client.Client, tag string, err error) error {
	if api.CodeOf(err) != api.CodeNotFound {
		return err
	}
	all, listErr := tags(ctx, c)
	if listErr != nil {
		return err
	}
	return cli.NotFound("concurrency limit for a tag", tag, all)
}

func columns() []output.Column[api.ConcurrencyLimit] {
	return []output.Column[api.ConcurrencyLimit]{
		{Name: "Tag", Value: func(l api.ConcurrencyLimit) string { return l.Tag }, Tone: func(api.ConcurrencyLimit) output.Tone { return output.Strong }, Whole: true},
		{Name: "Limit", Value: func(l api.ConcurrencyLimit) string { return strconv.Itoa(l.ConcurrencyLimit) }, Right: true},
		{Name: "Active task runs", Value: active, Human: func(l api.ConcurrencyLimit, _ time.Time) string { return strconv.Itoa(len(l.ActiveSlots)) }, Right: true},
		{
			Name: "Updated", Value: func(l api.ConcurrencyLimit) string { return output.Stamp(l.Updated) },
			Human: func(l api.ConcurrencyLimit, now time.Time) string { return output.AgoPtr(now, l.Updated) }, Rank: 1,
		},
		{Name: "ID", Value: func(l api.ConcurrencyLimit) string { return l.ID.String() }, Whole: true, Rank: 2},
	}
}

func active(l api.ConcurrencyLimit) string {
	ids := make([]string, len(l.ActiveSlots))
	for i, id := range l.ActiveSlots {
		ids[i] = uuid.UUID(id).String()
	}
	return strings.Join(ids, " ")
}
