package asset

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type inspectOptions struct {
	at     *place
	output output.Options
	key    string
}

func newInspectCmd(at *place) *cobra.Command {
	opts := &inspectOptions{at: at}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show an asset: when, by what and from what it was made last",
		Example: at.words + " inspect s3://lake/clean.csv\n" + at.words + " inspect s3://lake/clean.csv --jq .latest_materialization.status",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, at.keyArgument(&opts.key, true))
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.AssetCatalogItem]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	c, err := o.at.client()
	if err != nil {
		return err
	}
	query := url.Values{"key": {o.key}}
	a, err := c.ReadAsset(ctx, query)
	if err != nil {
		return o.at.missing(ctx, c, o.key, err)
	}
	printer := o.at.env.Printer(o.output)
	if printer.Structured() {
		return printer.Value(a)
	}
	near, err := c.GetAssetNeighbors(ctx, query)
	if err != nil {
		return err
	}
	return output.Detail(printer, shown{a, near.Dependencies}, properties())
}

// shown is an asset with what it was made of and what was made of it.
type shown struct {
	api.AssetCatalogItem
	near []api.AssetGraphDependency
}

func (s shown) neighbors(upstream bool) string {
	var keys []string
	for _, d := range s.near {
		switch {
		case upstream && d.DownstreamAssetKey == s.Key:
			keys = append(keys, d.UpstreamAssetKey)
		case !upstream && d.UpstreamAssetKey == s.Key:
			keys = append(keys, d.DownstreamAssetKey)
		}
	}
	return strings.Join(keys, ", ")
}

func properties() []output.Column[shown] {
	text := func(name string, value func(s shown) string) output.Column[shown] {
		return output.Column[shown]{Name: name, Value: value, Whole: true}
	}
	moment := func(name string, at func(s shown) *api.Time) output.Column[shown] {
		return output.Column[shown]{
			Name: name, Value: func(s shown) string { return output.Stamp(at(s)) },
			Human: func(s shown, now time.Time) string { return output.TimePtr(now, at(s)) },
		}
	}
	status := func(s shown) string { return output.Text(s.LatestMaterialization.Status) }
	return []output.Column[shown]{
		{Name: "Key", Value: func(s shown) string { return s.Key }, Tone: func(shown) output.Tone { return output.Strong }, Whole: true},
		text("Name", func(s shown) string { return s.Properties.Name }),
		{Name: "Description", Value: func(s shown) string { return s.Properties.Description }},
		text("URL", func(s shown) string { return s.Properties.URL }),
		text("Owners", func(s shown) string { return strings.Join(s.Properties.Owners, ", ") }),
		moment("Last seen", func(s shown) *api.Time { return &s.LastSeen }),
		{Name: "Status", Value: status, Tone: func(s shown) output.Tone { return statusTone(status(s)) }},
		moment("Materialized", func(s shown) *api.Time { return s.LatestMaterialization.Occurred }),
		text("By", func(s shown) string { return strings.Join(s.LatestMaterialization.ByTools, ", ") }),
		text("Flow run", func(s shown) string { return idText(s.LatestMaterialization.FlowRunID) }),
		text("Task run", func(s shown) string { return idText(s.LatestMaterialization.TaskRunID) }),
		text("Metadata", func(s shown) string { return output.Compact(s.LatestMaterialization.Metadata) }),
		moment("Referenced", func(s shown) *api.Time { return s.LatestReference.Occurred }),
		text("Upstream", func(s shown) string { return s.neighbors(true) }),
		text("Downstream", func(s shown) string { return s.neighbors(false) }),
	}
}

func idText(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}
