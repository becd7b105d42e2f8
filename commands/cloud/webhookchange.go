package cloud

import (
	"context"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// webhookID is the argument of the verbs that are about one webhook.
type webhookID struct{ text string }

func (id *webhookID) argument() cli.Positional {
	return cli.Positional{Name: "webhook_id", Value: &id.text, Required: true}
}

// path is the webhook's; an id that is none is refused before anything is asked.
func (id *webhookID) path() (string, error) {
	parsed, err := uuid.Parse(id.text)
	if err != nil {
		return "", cli.Usagef("%q is not an id; `usher cloud webhook ls` shows the ids", id.text)
	}
	return "/webhooks/" + parsed.String(), nil
}

func (id *webhookID) read(ctx context.Context, env *cli.Env) (*client.Client, webhook, error) {
	path, err := id.path()
	if err != nil {
		return nil, webhook{}, err
	}
	c, err := workspace(env)
	if err != nil {
		return nil, webhook{}, err
	}
	hook, err := client.Ask[webhook](ctx, c, "GET", path, nil)
	return c, hook, missing("webhook", id.text, err)
}

type webhookOptions struct {
	env                         *cli.Env
	id                          webhookID
	name, description, template string
	yes                         bool
	output                      output.Options
}

// result are the flags of every verb here.
func (o *webhookOptions) result(cmd *cobra.Command) {
	cli.ResultFlags(cmd, &o.output, output.FieldsOf[webhook]())
}

func newWebhookCreateCmd(env *cli.Env) *cobra.Command {
	opts := &webhookOptions{env: env}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "make a webhook",
		Example: `usher cloud webhook create orders --template '{"event": "order.received", "resource": {"prefect.resource.id": "order.{{ body.id }}"}}'`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.create(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "webhook_name", Value: &opts.name, Required: true})
	cmd.Flags().StringVarP(&opts.description, "description", "d", "", "what it is for")
	cmd.Flags().StringVarP(&opts.template, "template", "t", "", "what a request is made into, as a `template` of JSON with event and resource")
	opts.result(cmd)
	return cmd
}

func (o *webhookOptions) create(ctx context.Context) error {
	if o.template == "" {
		return cli.Usagef("a webhook needs a template").
			WithHint(`the least is --template '{"event": "a.name", "resource": {"prefect.resource.id": "an.id"}}'`)
	}
	c, err := workspace(o.env)
	if err != nil {
		return err
	}
	made, err := client.Ask[webhook](ctx, c, "POST", "/webhooks/", map[string]any{"name": o.name, "description": orNull(o.description), "template": o.template})
	if err != nil {
		return err
	}
	return cli.Result(o.env, o.output, made, "Created webhook %q: id %s, slug %s.", o.name, made.ID, made.Slug)
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func newWebhookUpdateCmd(env *cli.Env) *cobra.Command {
	opts := &webhookOptions{env: env}
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "change a webhook",
		Example: "usher cloud webhook update 7d8ee8c1-4b1c-4c51-9f5b-9f9d8b0c1c11 --name orders-2",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.update(cmd) },
	}
	cli.Positionals(cmd, opts.id.argument())
	cmd.Flags().StringVarP(&opts.name, "name", "n", "", "its new `name`")
	cmd.Flags().StringVarP(&opts.description, "description", "d", "", "what it is for")
	cmd.Flags().StringVarP(&opts.template, "template", "t", "", "what a request is made into, as a `template` of JSON")
	opts.result(cmd)
	return cmd
}

func (o *webhookOptions) update(cmd *cobra.Command) error {
	ctx, flags := cmd.Context(), cmd.Flags()
	if !flags.Changed("name") && !flags.Changed("description") && !flags.Changed("template") {
		return cli.Usagef("nothing to change: say --name, --description or --template")
	}
	c, hook, err := o.id.read(ctx, o.env)
	if err != nil {
		return err
	}
	if flags.Changed("name") {
		hook.Name = o.name
	}
	if flags.Changed("description") {
		hook.Description = &o.description
	}
	if flags.Changed("template") {
		hook.Template = o.template
	}
	changed := map[string]any{"name": hook.Name, "description": hook.Description, "template": hook.Template}
	if err := c.Tell(ctx, "PUT", "/webhooks/"+hook.ID.String(), changed); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, hook, "Updated webhook %q.", hook.Name)
}

// webhookVerb makes a verb that is about one webhook and has no flags but --yes.
func webhookVerb(env *cli.Env, verb, short string, asks bool, run func(*webhookOptions, context.Context) error) *cobra.Command {
	opts := &webhookOptions{env: env}
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Example: "usher cloud webhook " + verb + " 7d8ee8c1-4b1c-4c51-9f5b-9f9d8b0c1c11",
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(opts, cmd.Context()) },
	}
	cli.Positionals(cmd, opts.id.argument())
	opts.result(cmd)
	if asks {
		cmd.Example += " --yes"
		cli.YesFlag(cmd, &opts.yes)
	}
	return cmd
}

func newWebhookToggleCmd(env *cli.Env) *cobra.Command {
	return webhookVerb(env, "toggle", "switch a webhook on or off", false, (*webhookOptions).toggle)
}

func (o *webhookOptions) toggle(ctx context.Context) error {
	c, hook, err := o.id.read(ctx, o.env)
	if err != nil {
		return err
	}
	if err := c.Tell(ctx, "PATCH", "/webhooks/"+hook.ID.String(), map[string]any{"enabled": !hook.Enabled}); err != nil {
		return err
	}
	hook.Enabled = !hook.Enabled
	return cli.Result(o.env, o.output, hook, "Webhook %q is %s.", hook.Name, map[bool]string{true: "enabled", false: "disabled"}[hook.Enabled])
}

func newWebhookRotateCmd(env *cli.Env) *cobra.Command {
	return webhookVerb(env, "rotate", "give a webhook a new address; the old one ends", true, (*webhookOptions).rotate)
}

func (o *webhookOptions) rotate(ctx context.Context) error {
	path, err := o.id.path()
	if err != nil {
		return err
	}
	c, err := workspace(o.env)
	if err != nil {
		return err
	}
	if err := o.env.ConfirmAlways(ctx, o.yes, "Give webhook %s a new address? Who calls the old one is refused from then on.", o.id.text); err != nil {
		return err
	}
	hook, err := client.Ask[webhook](ctx, c, "POST", path+"/rotate", nil)
	if err != nil {
		return missing("webhook", o.id.text, err)
	}
	return cli.Result(o.env, o.output, hook, "The webhook has a new slug: %q", hook.Slug)
}

func newWebhookDeleteCmd(env *cli.Env) *cobra.Command {
	return webhookVerb(env, "delete", "remove a webhook", true, (*webhookOptions).delete)
}

// removed names what is gone and was not read before.
type removed struct {
	ID string `json:"id"`
}

func (o *webhookOptions) delete(ctx context.Context) error {
	path, err := o.id.path()
	if err != nil {
		return err
	}
	c, err := workspace(o.env)
	if err != nil {
		return err
	}
	if err := o.env.Confirm(ctx, o.yes, "Delete webhook %s?", o.id.text); err != nil {
		return err
	}
	if err := c.Tell(ctx, "DELETE", path, nil); err != nil {
		return missing("webhook", o.id.text, err)
	}
	return cli.Result(o.env, o.output, removed{ID: o.id.text}, "Deleted webhook %s.", o.id.text)
}
