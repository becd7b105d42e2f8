package cloud

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// asset is something that runs make, as Prefect Cloud knows it.
type asset struct {
	Key      string         `json:"key"`
	LastSeen *string        `json:"last_seen"`
	Rest     jsontext.Value `json:",embed"`
}

func newAssetCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("asset", "see the things that runs make", []string{"assets"}, newAssetListCmd(env), newAssetDeleteCmd(env))
	cmd.Example = "usher cloud asset ls --prefix s3://"
	return cmd
}

type assetListOptions struct {
	env            *cli.Env
	output         output.Options
	prefix, search string
	limit          int
}

func newAssetListCmd(env *cli.Env) *cobra.Command {
	opts := &assetListOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the assets of the workspace",
		Example: "usher cloud asset ls --prefix s3://",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVarP(&opts.prefix, "prefix", "p", "", "only those whose key begins with this")
	cmd.Flags().StringVarP(&opts.search, "search", "s", "", "only those whose key contains this")
	cmd.Flags().IntVarP(&opts.limit, "limit", "l", 50, "show at most this many, up to 200")
	cli.OutputFlags(cmd, &opts.output, nil)
	return cmd
}

func (o *assetListOptions) run(ctx context.Context) error {
	if o.limit < 1 || o.limit > 200 {
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
	c, err := workspace(o.env)
	if err != nil {
		return err
	}
	found, err := client.Ask[struct {
		Assets []asset `json:"assets"`
		Total  int     `json:"total"`
	}](ctx, c, "POST", "/assets/filter", body)
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	if !printer.Structured() {
		slices.SortFunc(found.Assets, func(a, b asset) int { return cmp.Compare(a.Key, b.Key) })
		o.env.Sayf("%d of %d assets.", len(found.Assets), max(found.Total, len(found.Assets)))
	}
	return output.List(printer, found.Assets, []output.Column[asset]{
		{Name: "Key", Value: func(a asset) string { return a.Key }, Whole: true},
		{Name: "Last seen", Value: func(a asset) string { return output.Text(a.LastSeen) }, Rank: 1},
	})
}

type assetDeleteOptions struct {
	env   *cli.Env
	key   string
	force bool
	yes   bool

	output output.Options
}

func newAssetDeleteCmd(env *cli.Env) *cobra.Command {
	opts := &assetDeleteOptions{env: env}
	cmd := &cobra.Command{
		Use:     "delete",
		Short:   "remove an asset by its whole key",
		Example: "usher cloud asset delete s3://bucket/data.csv",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "key", Value: &opts.key, Required: true})
	cmd.Flags().BoolVarP(&opts.force, "force", "f", false, "the same as --yes")
	cli.YesFlag(cmd, &opts.yes)
	cli.ResultFlags(cmd, &opts.output, []string{"key"})
	return cmd
}

func (o *assetDeleteOptions) run(ctx context.Context) error {
	c, err := workspace(o.env)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes || o.force, "Delete asset %q?", o.key); err != nil {
		return err
	}
	if err := c.Tell(ctx, "DELETE", "/assets/key?key="+url.QueryEscape(o.key), nil); err != nil {
		return missing("asset", o.key, err)
	}
	return cli.Result(o.env, o.output, map[string]string{"key": o.key}, "Deleted asset %q.", o.key)
}
