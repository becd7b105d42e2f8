package artifact

import (
	"context"

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
	all    bool
	limit  int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list artifacts: the newest version of each key",
		Example: "usher artifact ls\nusher artifact ls --all --limit 20",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().BoolVarP(&opts.all, "all", "a", false, "every version, and artifacts without a key")
	cmd.Flags().IntVar(&opts.limit, "limit", 100, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.ArtifactCollection]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if o.all {
		return o.versions(ctx, c)
	}
	return o.latest(ctx, c)
}

func (o *listOptions) latest(ctx context.Context, c *client.Client) error {
	rows := func(page []api.ArtifactCollection) ([]item, error) {
		items := make([]item, len(page))
		for i, a := range page {
			items[i] = item{id: a.LatestID.String(), key: a.Key, kind: output.Text(a.Type), description: output.Text(a.Description), updated: a.Updated}
		}
		return items, nil
	}
	return find.ListAs(o.env, o.output, columns(), rows, none, o.limit, func(offset, limit int) ([]api.ArtifactCollection, error) {
		return c.ReadLatestArtifacts(ctx, &api.ReadLatestArtifactsRequest{Sort: api.Some(api.ArtifactCollectionSortKeyAsc), Offset: api.Some(offset), Limit: api.Some(limit)})
	})
}

func (o *listOptions) versions(ctx context.Context, c *client.Client) error {
	rows := func(page []api.Artifact) ([]item, error) {
		items := make([]item, len(page))
		for i, a := range page {
			items[i] = item{id: a.ID.String(), key: output.Text(a.Key), kind: output.Text(a.Type), description: output.Text(a.Description), updated: a.Updated}
		}
		return items, nil
	}
	return find.ListAs(o.env, o.output, columns(), rows, none, o.limit, func(offset, limit int) ([]api.Artifact, error) {
		return c.ReadArtifacts(ctx, &api.ReadArtifactsRequest{Sort: api.Some(api.ArtifactSortKeyAsc), Offset: api.Some(offset), Limit: api.Some(limit)})
	})
}

// none is said where there are none.
const none = "No artifacts found."
