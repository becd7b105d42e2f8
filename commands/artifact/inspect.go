package artifact

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type inspectOptions struct {
	env    *cli.Env
	output output.Options
	web    bool
	key    string
	limit  int
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show an artifact",
		Long:    "A person is shown its newest version. Programs get its versions, the newest first, as a list.",
		Example: "usher artifact inspect sales-report\nusher artifact inspect sales-report --jq '.[0].data'",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, keyArgument(env, &opts.key, true))
	cmd.Flags().IntVar(&opts.limit, "limit", 10, "at most this many versions for programs; 0 for all")
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Artifact]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	limit := o.limit
	if !printer.Structured() {
		limit = 1
	}
	list, err := versions(ctx, c, o.key, limit)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, page(&list[0]))
	}
	if printer.Structured() {
		return printer.Value(list)
	}
	return output.Detail(printer, list[0], properties())
}

// page is where the web interface shows an artifact: all versions of a key, or the one.
func page(a *api.Artifact) string {
	if a.Key != nil {
		return "/artifacts/key/" + url.PathEscape(*a.Key)
	}
	return "/artifacts/artifact/" + a.ID.String()
}

// versions are the artifacts of a key, or the one of an id, the newest first.
func versions(ctx context.Context, c *client.Client, key string, limit int) ([]api.Artifact, error) {
	filter := &api.ArtifactFilter{Key: &api.ArtifactFilterKey{Any: []string{key}}}
	if id, ok := find.ID(key); ok {
		filter = &api.ArtifactFilter{ID: &api.Match[uuid.UUID]{Any: []uuid.UUID{id}}}
	}
	list, err := find.Pages(limit, func(offset, limit int) ([]api.Artifact, error) {
		return c.ReadArtifacts(ctx, &api.ReadArtifactsRequest{
			Artifacts: filter, Sort: api.Some(api.ArtifactSortUpdatedDesc), Offset: api.Some(offset), Limit: api.Some(limit),
		})
	})
	if err != nil || len(list) > 0 {
		return list, err
	}
	keys, err := find.Artifacts(ctx, c)
	if err != nil {
		return nil, err
	}
	return nil, cli.NotFound("artifact", key, keys)
}

func properties() []output.Column[api.Artifact] {
	text := func(name string, value func(a api.Artifact) string) output.Column[api.Artifact] {
		return output.Column[api.Artifact]{Name: name, Value: value}
	}
	return []output.Column[api.Artifact]{
		{Name: "Key", Value: func(a api.Artifact) string { return output.Text(a.Key) }, Tone: func(api.Artifact) output.Tone { return output.Strong }},
		{Name: "ID", Value: func(a api.Artifact) string { return a.ID.String() }, Whole: true},
		text("Type", func(a api.Artifact) string { return output.Text(a.Type) }),
		text("Description", func(a api.Artifact) string { return output.Text(a.Description) }),
		text("Flow run", func(a api.Artifact) string { return idText(a.FlowRunID) }),
		text("Task run", func(a api.Artifact) string { return idText(a.TaskRunID) }),
		{
			Name: "Created", Value: func(a api.Artifact) string { return output.Stamp(a.Created) },
			Human: func(a api.Artifact, now time.Time) string { return output.TimePtr(now, a.Created) },
		},
		{Name: "Data", Value: data, Human: func(a api.Artifact, _ time.Time) string { return readable(a) }},
	}
}

// data is a text as it is, anything else as JSON.
func data(a api.Artifact) string {
	var text string
	if json.Unmarshal(a.Data, &text) == nil {
		return text
	}
	return output.Compact(a.Data)
}

// readable is the data as a person wants it: a table's rows one below the other.
func readable(a api.Artifact) string {
	text := data(a)
	if table, ok := tableText(text); ok {
		return table
	}
	return strings.TrimSpace(text)
}

func idText(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}
