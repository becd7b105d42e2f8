// Package incident holds the commands about incidents: disruptions that people look after until
// they are resolved.
package incident

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher incident.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("incident", "look after what disrupts work until it is resolved", []string{"incidents"}, func() []*cobra.Command {
		return []*cobra.Command{
			newListCmd(env), newInspectCmd(env), newDeclareCmd(env), newUpdateCmd(env),
			newStepCmd(env, step{verb: "resolve", short: "say that an incident is over", done: "Resolved incident %q.", do: settle((*client.Client).ResolveIncident)}),
			newStepCmd(env, step{verb: "reopen", short: "say that an incident is not over after all", done: "Reopened incident %q.", do: settle((*client.Client).ReopenIncident)}),
			newStepCmd(env, step{verb: "comment", short: "say something about an incident", words: "text", example: " 'the vendor knows'", done: "Commented on incident %q.", do: comment}),
			newStepCmd(env, step{verb: "delete", short: "remove an incident, with what was said about it", done: "Deleted incident %q.", do: remove}),
		}
	})
	cmd.Example = "usher incident declare 'late data' --severity major\nusher incident resolve 'late data'"
	return cmd
}

// argument is the incident that a verb is about.
func argument(env *cli.Env, value *string) cli.Positional {
	return cli.Positional{Name: "incident", Value: value, Required: true, Complete: env.Complete(names)}
}

// latest are the incidents that were declared last.
func latest(ctx context.Context, c *client.Client) ([]api.Incident, error) {
	return c.ReadIncidents(ctx, &api.ReadIncidentsRequest{})
}

func names(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := latest(ctx, c)
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].Name
	}
	return out, err
}

// one is the incident that a word means: its id, or the name of one of the latest; of several
// of a name the one that is active.
func one(ctx context.Context, c *client.Client, word string) (*api.Incident, error) {
	if id, err := uuid.Parse(word); err == nil {
		i, err := c.ReadIncident(ctx, id)
		return &i, err
	}
	list, err := latest(ctx, c)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(list))
	var found []*api.Incident
	for i := range list {
		all[i] = list[i].Name
		if list[i].Name == word {
			found = append(found, &list[i])
		}
	}
	if active := slices.DeleteFunc(slices.Clone(found), func(i *api.Incident) bool { return i.Status != api.IncidentStatusActive }); len(active) > 0 {
		found = active
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, cli.NotFound("incident", word, all)
	}
	return nil, cli.Usagef("%d incidents are called %q: say the id of one, as `usher incident ls` tells it", len(found), word)
}

func columns() []output.Column[api.Incident] {
	return []output.Column[api.Incident]{
		{Name: "Name", Value: func(i api.Incident) string { return i.Name }, Tone: func(api.Incident) output.Tone { return output.Strong }},
		{Name: "Severity", Value: func(i api.Incident) string { return string(i.Severity) }},
		{Name: "Status", Value: func(i api.Incident) string { return string(i.Status) }, Tone: func(i api.Incident) output.Tone {
			if i.Status == api.IncidentStatusActive {
				return output.Bad
			}
			return output.Good
		}},
		{
			Name: "Began", Value: func(i api.Incident) string { return output.Stamp(&i.StartTime) },
			Human: func(i api.Incident, now time.Time) string { return output.AgoPtr(now, &i.StartTime) }, Rank: 1,
		},
		{
			Name: "Ended", Value: func(i api.Incident) string { return output.Stamp(i.EndTime) },
			Human: func(i api.Incident, now time.Time) string { return output.AgoPtr(now, i.EndTime) }, Rank: 2,
		},
		{Name: "ID", Value: func(i api.Incident) string { return i.ID.String() }, Whole: true, Rank: 3},
	}
}

type listOptions struct {
	env      *cli.Env
	output   output.Options
	status   string
	severity []string
	limit    int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list incidents, the latest first",
		Example: "usher incident ls\nusher incident ls --status active --severity major --severity critical",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVar(&opts.status, "status", "", "only those that are active or resolved")
	cmd.Flags().StringArrayVar(&opts.severity, "severity", nil, "only those of a `severity`: minor, moderate, major or critical; repeatable")
	cmd.Flags().IntVar(&opts.limit, "limit", 100, "show at most this many; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Incident]())
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	filter := &api.IncidentFilter{}
	if o.status != "" {
		filter.Status = []api.IncidentStatus{api.IncidentStatus(o.status)}
		if !slices.Contains(filter.Status[0].Values(), o.status) {
			return cli.Usagef("--status %q: say active or resolved", o.status)
		}
	}
	for _, word := range o.severity {
		severity, err := severityOf(word)
		if err != nil {
			return err
		}
		filter.Severity = append(filter.Severity, severity)
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	return find.List(o.env, o.output, columns(), "No incidents found.", o.limit, func(offset, limit int) ([]api.Incident, error) {
		return c.ReadIncidents(ctx, &api.ReadIncidentsRequest{Incidents: filter, Offset: api.Some(offset), Limit: api.Some(limit)})
	})
}

func severityOf(word string) (api.IncidentSeverity, error) {
	severity := api.IncidentSeverity(word)
	if !slices.Contains(severity.Values(), word) {
		return "", cli.Usagef("--severity %q: say minor, moderate, major or critical", word)
	}
	return severity, nil
}

type inspectOptions struct {
	env    *cli.Env
	output output.Options
	name   string
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show an incident and what was said about it",
		Example: "usher incident inspect 'late data'",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, argument(env, &opts.name))
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.Incident]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	i, err := one(ctx, c, o.name)
	if err != nil {
		return err
	}
	text := func(name string, value func(api.Incident) string) output.Column[api.Incident] {
		return output.Column[api.Incident]{Name: name, Value: value, Whole: true}
	}
	properties := append(columns(),
		text("Summary", func(i api.Incident) string { return i.Summary }),
		text("Declared by", func(i api.Incident) string { return by(i.CreatedBy) }),
		text("Tags", func(i api.Incident) string { return strings.Join(i.Tags, ", ") }),
		text("Related", func(i api.Incident) string {
			ids := make([]string, len(i.RelatedResources))
			for n, r := range i.RelatedResources {
				ids[n] = r["prefect.resource.id"]
			}
			return strings.Join(ids, ", ")
		}),
	)
	for _, c := range i.Comments {
		properties = append(properties, text(strings.TrimSpace(output.Stamp(&c.Created)+" "+by(c.CreatedBy)), func(api.Incident) string { return c.Body }))
	}
	return output.Detail(o.env.Printer(o.output), *i, properties)
}

func by(who *api.CreatedBy) string {
	if who == nil {
		return ""
	}
	return output.Text(who.DisplayValue)
}
