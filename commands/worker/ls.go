package worker

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

type listOptions struct {
	env    *cli.Env
	output output.Options
	pool   string
}

// member is a worker as it is listed: with its pool.
type member struct {
	api.WorkerResponse

	Pool string `json:"work_pool_name"`
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the workers of one work pool or of all, and whether they are there",
		Example: "usher worker ls\nusher worker ls --pool local",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVarP(&opts.pool, "pool", "p", "", "only those of this work `pool`")
	_ = cmd.RegisterFlagCompletionFunc("pool", env.Complete(find.WorkPools)) // the flag is there
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[member]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	pools := []string{o.pool}
	if o.pool == "" {
		if pools, err = poolNames(ctx, c); err != nil {
			return err
		}
	}
	members := []member{}
	for _, pool := range pools {
		workers, err := find.Pages(0, func(offset, limit int) ([]api.WorkerResponse, error) {
			return c.ReadWorkers(ctx, pool, &api.ReadWorkersRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
		})
		if api.CodeOf(err) == api.CodeNotFound {
			_, err = find.WorkPool(ctx, c, pool) // which pools there are
		}
		if err != nil {
			return err
		}
		for _, w := range workers {
			members = append(members, member{w, pool})
		}
	}
	printer := o.env.Printer(o.output)
	if len(members) == 0 && !printer.Structured() {
		o.env.Say("No workers found. `usher worker start --pool <pool>` starts one.")
	}
	return output.List(printer, members, columns())
}

func poolNames(ctx context.Context, c *client.Client) ([]string, error) {
	pools, err := find.Pages(0, func(offset, limit int) ([]api.WorkPoolResponse, error) {
		return c.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	})
	names := make([]string, len(pools))
	for i := range pools {
		names[i] = pools[i].Name
	}
	return names, err
}

func columns() []output.Column[member] {
	return []output.Column[member]{
		{Name: "Name", Value: func(m member) string { return m.Name }, Tone: func(member) output.Tone { return output.Strong }, Whole: true},
		{Name: "Pool", Value: func(m member) string { return m.Pool }, Rank: 1, Whole: true},
		output.StatusColumn(func(m member) string { return string(m.Status) }),
		{
			Name: "Heard of", Value: func(m member) string { return output.Stamp(m.LastHeartbeatTime) },
			Human: func(m member, now time.Time) string { return output.AgoPtr(now, m.LastHeartbeatTime) }, Rank: 2,
		},
		{Name: "ID", Value: func(m member) string { return m.ID.String() }, Rank: 3, Whole: true},
	}
}
