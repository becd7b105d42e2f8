package asset

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// listed is what the list shows of an asset; the rest is passed on as it came.
type listed struct {
	Key      string         `json:"key"`
	LastSeen *string        `json:"last_seen"`
	Rest     jsontext.Value `json:",embed"`
}

// mostAssets is how many assets a page has at most.
const mostAssets = 200

type listOptions struct {
	at             *place
	output         output.Options
	prefix, search string
	limit          int
}

func newListCmd(at *place) *cobra.Command {
	opts := &listOptions{at: at}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the assets of the workspace",
		Example: at.words + " ls --prefix s3://",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVarP(&opts.prefix, "prefix", "p", "", "only those whose key begins with this")
	cmd.Flags().StringVarP(&opts.search, "search", "s", "", "only those whose key contains this")
	cmd.Flags().IntVarP(&opts.limit, "limit", "l", 50, "show at most this many, up to 200")
	cli.OutputFlags(cmd, &opts.output, nil)
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	if o.limit < 1 || o.limit > mostAssets {
		return cli.Usagef("--limit is from 1 to 200")
	}
	key := map[string]any{}
	if o.prefix != "" {
		key["prefix"] = []string{o.prefix}
	}
	if o.search != "" {
		key["search"] = []string{o.search}
	}
	body := map[string]any{"limit": o.limit}
	if len(key) > 0 {
		body["filter"] = map[string]any{"key": key}
	}
	c, err := o.at.client()
	if err != nil {
		return err
	}
	found, err := client.Ask[struct {
		Assets []listed `json:"assets"`
		Total  int      `json:"total"`
	}](ctx, c, "POST", "/assets/filter", body)
	if err != nil {
		return err
	}
	printer := o.at.env.Printer(o.output)
	if !printer.Structured() {
		slices.SortFunc(found.Assets, func(a, b listed) int { return cmp.Compare(a.Key, b.Key) })
		o.at.env.Sayf("%d of %d assets.", len(found.Assets), max(found.Total, len(found.Assets)))
	}
	return output.List(printer, found.Assets, []output.Column[listed]{
		{Name: "Key", Value: func(a listed) string { return a.Key }, Whole: true},
		{Name: "Last seen", Value: func(a listed) string { return output.Text(a.LastSeen) }, Human: lastSeen, Rank: 1},
	})
}

// lastSeen is how long ago the asset was seen, as far as the server's text can be read.
func lastSeen(a listed, now time.Time) string {
	seen, err := time.Parse(time.RFC3339Nano, output.Text(a.LastSeen))
	if err != nil {
		return output.Text(a.LastSeen)
	}
	return output.Ago(now, seen)
}
