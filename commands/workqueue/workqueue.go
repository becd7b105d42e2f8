// Package workqueue holds the commands about work queues: the lanes of a work pool.
package workqueue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher work-queue.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("work-queue", "divide a work pool into lanes", []string{"work-queues"}, func() []*cobra.Command {
		return []*cobra.Command{
			newListCmd(env),
			newCreateCmd(env),
			newInspectCmd(env),
			newPreviewCmd(env),
			newSlotsCmd(env),
			newReadRunsCmd(env),
			newPauseCmd(env),
			newResumeCmd(env),
			newSetLimitCmd(env),
			newClearLimitCmd(env),
			newDeleteCmd(env),
		}
	})
	cmd.Example = "usher work-queue create urgent --pool local --priority 1\nusher work-queue ls --pool local"
	return cmd
}

// queue is the queue that a verb is about: by name or id, in a pool if one is named.
type queue struct {
	env  *cli.Env
	name string
	pool string
}

// arguments declares the name, arguments behind it, and --pool.
func (q *queue) arguments(cmd *cobra.Command, more ...cli.Positional) {
	cli.Positionals(cmd, append([]cli.Positional{{Name: "name", Value: &q.name, Required: true, Complete: q.env.Complete(q.names)}}, more...)...)
	q.poolFlag(cmd)
}

func (q *queue) poolFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&q.pool, "pool", "p", "", "the work `pool` of the queue")
	_ = cmd.RegisterFlagCompletionFunc("pool", q.env.Complete(find.WorkPools)) // the flag is there
}

func (q *queue) names(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := readAll(ctx, c, q.pool, "")
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return names, err
}

// find finds the queue.
func (q *queue) find(ctx context.Context, c *client.Client) (*api.WorkQueueResponse, error) {
	if id, ok := find.ID(q.name); ok {
		found, err := c.ReadWorkQueue(ctx, id)
		if api.CodeOf(err) == api.CodeNotFound {
			return nil, cli.NotFound("work queue", q.name, nil)
		}
		return &found, err
	}
	if q.pool == "" {
		return q.anywhere(ctx, c)
	}
	found, err := c.ReadWorkQueueInWorkPools(ctx, q.pool, q.name)
	if api.CodeOf(err) != api.CodeNotFound {
		return &found, err
	}
	if _, err := find.WorkPool(ctx, c, q.pool); err != nil {
		return nil, err
	}
	return nil, q.missing(ctx, c)
}

// anywhere finds the queue where only one pool has one of its name.
func (q *queue) anywhere(ctx context.Context, c *client.Client) (*api.WorkQueueResponse, error) {
	list, err := c.ReadWorkQueues(ctx, &api.ReadWorkQueuesRequest{WorkQueues: &api.WorkQueueFilter{Name: &api.WorkQueueFilterName{Any: []string{q.name}}}})
	switch {
	case err != nil:
		return nil, err
	case len(list) == 1:
		return &list[0], nil
	case len(list) > 1:
		return nil, cli.Usagef("several work pools have a queue named %q; name the pool: --pool", q.name)
	}
	return nil, q.missing(ctx, c)
}

func (q *queue) missing(ctx context.Context, c *client.Client) error {
	names, err := q.names(ctx, c)
	if err != nil {
		return err
	}
	return cli.NotFound("work queue", q.name, names)
}

// readAll reads the queues of a pool, or of all, whose names begin with prefix.
func readAll(ctx context.Context, c *client.Client, pool, prefix string) ([]api.WorkQueueResponse, error) {
	return find.Pages(0, reader(ctx, c, pool, prefix))
}

// reader reads them page by page.
func reader(ctx context.Context, c *client.Client, pool, prefix string) func(offset, limit int) ([]api.WorkQueueResponse, error) {
	var filter *api.WorkQueueFilter
	if prefix != "" {
		filter = &api.WorkQueueFilter{Name: &api.WorkQueueFilterName{Startswith: []string{prefix}}}
	}
	return func(offset, limit int) ([]api.WorkQueueResponse, error) {
		if pool == "" {
			return c.ReadWorkQueues(ctx, &api.ReadWorkQueuesRequest{WorkQueues: filter, Offset: api.Some(offset), Limit: api.Some(limit)})
		}
		return c.ReadWorkQueuesInWorkPools(ctx, pool, &api.ReadWorkQueuesInWorkPoolsRequest{WorkQueues: filter, Offset: api.Some(offset), Limit: api.Some(limit)})
	}
}

type response = api.WorkQueueResponse

func columns() []output.Column[response] {
	return []output.Column[response]{
		{Name: "Name", Value: func(q response) string { return q.Name }, Tone: func(response) output.Tone { return output.Strong }, Whole: true},
		{Name: "Pool", Value: func(q response) string { return output.Text(q.WorkPoolName) }, Whole: true},
		{Name: "Priority", Value: func(q response) string { return strconv.Itoa(q.Priority) }, Right: true, Rank: 1},
		{Name: "Concurrency limit", Value: func(q response) string { return output.Number(q.ConcurrencyLimit) }, Human: limitText, Right: true, Rank: 2},
		output.StatusColumn(status),
		{Name: "ID", Value: func(q response) string { return q.ID.String() }, Whole: true, Rank: 3},
	}
}

func description() output.Column[response] {
	return output.Column[response]{Name: "Description", Value: func(q response) string { return output.Text(q.Description) }}
}

func limitText(q response, _ time.Time) string {
	if q.ConcurrencyLimit == nil {
		return "none"
	}
	return fmt.Sprint(*q.ConcurrencyLimit)
}

func status(q response) string {
	if q.IsPaused {
		return string(api.WorkQueueStatusPaused)
	}
	return output.Text(q.Status)
}
