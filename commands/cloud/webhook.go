package cloud

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

func newWebhookCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("webhook", "turn requests from elsewhere into events", []string{"webhooks"}, func() []*cobra.Command {
		return []*cobra.Command{
			newWebhookListCmd(env),
			newWebhookGetCmd(env),
			newWebhookCreateCmd(env),
			newWebhookUpdateCmd(env),
			newWebhookToggleCmd(env),
			newWebhookRotateCmd(env),
			newWebhookDeleteCmd(env),
		}
	})
	cmd.Example = "usher cloud webhook ls"
	return cmd
}

// webhook is what the commands use of one; the rest is passed on as it came.
type webhook struct {
	ID          uuid.UUID      `json:"id"`
	Name        string         `json:"name"`
	Description *string        `json:"description"`
	Enabled     bool           `json:"enabled"`
	Template    string         `json:"template"`
	Slug        string         `json:"slug"`
	Rest        jsontext.Value `json:",embed"`
}

func webhookColumns() []output.Column[webhook] {
	return []output.Column[webhook]{
		{Name: "ID", Value: func(w webhook) string { return w.ID.String() }, Whole: true, Rank: 3},
		{Name: "Slug", Value: func(w webhook) string { return w.Slug }, Whole: true},
		{Name: "Name", Value: func(w webhook) string { return w.Name }, Tone: func(webhook) output.Tone { return output.Strong }},
		output.SwitchColumn("Enabled", func(w webhook) bool { return w.Enabled }).At(1),
		{Name: "Template", Value: func(w webhook) string { return w.Template }, Rank: 2},
	}
}

func newWebhookListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the webhooks of the workspace",
		Example: "usher cloud webhook ls",
		RunE:    func(cmd *cobra.Command, _ []string) error { return listWebhooks(cmd.Context(), env, options) },
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, nil)
	return cmd
}

func listWebhooks(ctx context.Context, env *cli.Env, options output.Options) error {
	c, err := workspace(env)
	if err != nil {
		return err
	}
	all, err := client.Ask[[]webhook](ctx, c, "POST", "/webhooks/filter", nil)
	if err != nil {
		return err
	}
	return output.List(env.Printer(options), all, webhookColumns())
}

func newWebhookGetCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	var id webhookID
	cmd := &cobra.Command{
		Use:     "get",
		Aliases: []string{"inspect", "view"},
		Short:   "show a webhook",
		Example: "usher cloud webhook get 7d8ee8c1-4b1c-4c51-9f5b-9f9d8b0c1c11",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, hook, err := id.read(cmd.Context(), env)
			if err != nil {
				return err
			}
			return output.Detail(env.Printer(options), hook, webhookColumns())
		},
	}
	cli.Positionals(cmd, id.argument())
	cli.OutputFlags(cmd, &options, nil)
	return cmd
}
