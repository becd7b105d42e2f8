// Package asset holds the commands about assets: the data that flows make and use, and what
// is made of what.
package asset

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher asset.
func NewCmd(env *cli.Env) *cobra.Command {
	at := &place{env: env, words: "usher asset", connect: (*cli.Env).Client}
	cmd := cli.Group("asset", "see the data that flows make, and what is made of what", []string{"assets"}, func() []*cobra.Command {
		return []*cobra.Command{newListCmd(at), newInspectCmd(at), newGraphCmd(at), newDeleteCmd(at)}
	})
	cmd.Example = "usher asset ls --prefix s3://\nusher asset graph s3://lake/clean.csv"
	return cmd
}

// NewCloudCmd makes usher cloud asset, the reference's words for two of the verbs; connect
// is its way to the server.
func NewCloudCmd(env *cli.Env, connect func(*cli.Env) (*client.Client, error)) *cobra.Command {
	at := &place{env: env, words: "usher cloud asset", connect: connect}
	cmd := cli.Group("asset", "see the things that runs make", []string{"assets"}, func() []*cobra.Command {
		return []*cobra.Command{newListCmd(at), newDeleteCmd(at)}
	})
	cmd.Example = "usher cloud asset ls --prefix s3://"
	return cmd
}

// place is where the verbs stand on the command line, and how they come to a server.
type place struct {
	env     *cli.Env
	words   string // before the verb
	connect func(*cli.Env) (*client.Client, error)
}

func (p *place) client() (*client.Client, error) { return p.connect(p.env) }

// keyArgument is the asset that a verb is about.
func (p *place) keyArgument(value *string, required bool) cli.Positional {
	return cli.Positional{Name: "key", Value: value, Required: required, Complete: p.env.Complete(recentKeys)}
}

// recentKeys are the keys of assets, for completion.
func recentKeys(ctx context.Context, c *client.Client) ([]string, error) {
	page, err := c.FilterAssets(ctx, &api.FilterAssetsRequest{Limit: api.Some(mostAssets)})
	keys := make([]string, len(page.Assets))
	for i := range page.Assets {
		keys[i] = page.Assets[i].Key
	}
	return keys, err
}

// missing words the absence of an asset.
func (p *place) missing(ctx context.Context, c *client.Client, key string, err error) error {
	if api.CodeOf(err) != api.CodeNotFound {
		return err
	}
	keys, failed := recentKeys(ctx, c)
	if failed != nil {
		keys = nil // it is only for a hint
	}
	return cli.NotFound("asset", key, keys)
}

// statusTone is how healthy an asset is: how its latest materialization ended.
func statusTone(status string) output.Tone {
	switch status {
	case "succeeded":
		return output.Good
	case "failed":
		return output.Bad
	}
	return output.Dim
}
