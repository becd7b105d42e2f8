package incident

import (
	"context"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// details are what can be said of an incident.
type details struct {
	env                     *cli.Env
	output                  output.Options
	name, summary, severity string
	tags, related           []string
	given                   func(flag string) bool
}

func (d *details) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.summary, "summary", "", "what is known of it")
	cmd.Flags().StringVar(&d.severity, "severity", "", "how bad it is: minor, moderate, major or critical")
	cmd.Flags().StringArrayVar(&d.tags, "tag", nil, "a `tag`; repeatable")
	cmd.Flags().StringArrayVar(&d.related, "resource", nil, "the `id` of a resource that it is about, such as prefect.flow-run.<id>; repeatable")
	cli.ResultFlags(cmd, &d.output, output.FieldsOf[api.Incident]())
	d.given = cmd.Flags().Changed
}

// update is what the flags say.
func (d *details) update() (in api.IncidentUpdate, err error) {
	if d.given("summary") {
		in.Summary = api.Some(d.summary)
	}
	if d.given("severity") {
		severity, err := severityOf(d.severity)
		if err != nil {
			return in, err
		}
		in.Severity = api.Some(severity)
	}
	if d.given("tag") {
		in.Tags = api.Some(d.tags)
	}
	if d.given("resource") {
		resources := make([]map[string]string, len(d.related))
		for i, id := range d.related {
			resources[i] = map[string]string{"prefect.resource.id": id}
		}
		in.RelatedResources = api.Some(resources)
	}
	return in, nil
}

func newDeclareCmd(env *cli.Env) *cobra.Command {
	opts := &details{env: env}
	cmd := &cobra.Command{
		Use:     "declare",
		Aliases: []string{"create"},
		Short:   "say that something disrupts work",
		Long:    "It begins now and is moderate unless --severity says otherwise. The event prefect-cloud.incident.declared lets automations tell others.",
		Example: "usher incident declare 'late data' --severity major --summary 'no rows since noon'",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.declare(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &opts.name, Required: true})
	opts.flags(cmd)
	return cmd
}

func (d *details) declare(ctx context.Context) error {
	said, err := d.update()
	if err != nil {
		return err
	}
	c, err := d.env.Client()
	if err != nil {
		return err
	}
	made, err := c.DeclareIncident(ctx, &api.IncidentCreate{Name: d.name, Summary: said.Summary, Severity: said.Severity, RelatedResources: said.RelatedResources, Tags: said.Tags})
	if err != nil {
		return err
	}
	return cli.Result(d.env, d.output, made, "Declared incident %q (%s).", made.Name, made.ID)
}

func newUpdateCmd(env *cli.Env) *cobra.Command {
	opts := &details{env: env}
	rename := ""
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "change what is said of an incident",
		Example: "usher incident update 'late data' --severity critical",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.change(cmd.Context(), rename) },
	}
	cli.Positionals(cmd, argument(env, &opts.name))
	cmd.Flags().StringVar(&rename, "rename", "", "its new `name`")
	opts.flags(cmd)
	return cmd
}

func (d *details) change(ctx context.Context, rename string) error {
	in, err := d.update()
	if err != nil {
		return err
	}
	if d.given("rename") {
		in.Name = api.Some(rename)
	}
	c, err := d.env.Client()
	if err != nil {
		return err
	}
	i, err := one(ctx, c, d.name)
	if err != nil {
		return err
	}
	now, err := c.UpdateIncident(ctx, i.ID, &in)
	if err != nil {
		return err
	}
	return cli.Result(d.env, d.output, now, "Updated incident %q.", now.Name)
}

// step is a verb that does one thing to an incident.
type step struct {
	verb, short, example, done string
	words                      string // what it takes besides the incident, if anything
	do                         func(ctx context.Context, c *client.Client, i *api.Incident, words string) error
}

func settle(call func(*client.Client, context.Context, uuid.UUID) (api.Incident, error)) func(context.Context, *client.Client, *api.Incident, string) error {
	return func(ctx context.Context, c *client.Client, i *api.Incident, _ string) (err error) {
		*i, err = call(c, ctx, i.ID)
		return err
	}
}

func comment(ctx context.Context, c *client.Client, i *api.Incident, words string) (err error) {
	*i, err = c.CommentIncident(ctx, i.ID, &api.IncidentCommentCreate{Body: words})
	return err
}

func remove(ctx context.Context, c *client.Client, i *api.Incident, _ string) error {
	return c.DeleteIncident(ctx, i.ID)
}

type stepOptions struct {
	step

	env         *cli.Env
	output      output.Options
	name, given string
	yes         bool
}

func newStepCmd(env *cli.Env, s step) *cobra.Command {
	opts := &stepOptions{step: s, env: env}
	cmd := &cobra.Command{
		Use:     s.verb,
		Short:   s.short,
		Example: "usher incident " + s.verb + " 'late data'" + s.example,
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	arguments := []cli.Positional{argument(env, &opts.name)}
	if s.words != "" {
		arguments = append(arguments, cli.Positional{Name: s.words, Value: &opts.given, Required: true})
	}
	cli.Positionals(cmd, arguments...)
	if s.verb == "delete" {
		cmd.Aliases = []string{"rm"}
		cli.YesFlag(cmd, &opts.yes)
	} else {
		opts.yes = true
	}
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Incident]())
	return cmd
}

func (o *stepOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	i, err := one(ctx, c, o.name)
	if err != nil {
		return err
	}
	if !o.yes {
		if err := o.env.Confirm(ctx, false, "Delete incident %q?", i.Name); err != nil {
			return err
		}
	}
	if err := o.do(ctx, c, i, o.given); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, *i, o.done, i.Name)
}
