package automation

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// which is the automation that a verb is about: by name, or by --id.
type which struct {
	name string
	id   string // the reference takes any text here
}

func (w *which) define(cmd *cobra.Command, env *cli.Env) {
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &w.name, Complete: env.Complete(find.Automations)})
	cmd.Flags().StringVar(&w.id, "id", "", "the automation with this `id`")
}

func (w *which) check() error {
	if (w.name == "") == (w.id == "") {
		return cli.Usagef("say either a name or --id")
	}
	return nil
}

// find returns the automation of an id, or all that have the name.
func (w *which) find(ctx context.Context, c *client.Client) ([]api.Automation, error) {
	if w.id != "" {
		one, err := w.byID(ctx, c)
		return []api.Automation{one}, err
	}
	named, err := all(ctx, c, &api.AutomationFilter{Name: &api.Match[string]{Any: []string{w.name}}})
	if err != nil || len(named) > 0 {
		return named, err
	}
	if id, ok := find.ID(w.name); ok {
		one, err := readOne(ctx, c, id)
		return []api.Automation{one}, err
	}
	names, err := find.Automations(ctx, c)
	if err != nil {
		return nil, err
	}
	return nil, cli.NotFound("automation", w.name, names)
}

// one is find for verbs that must not guess among several of one name.
func (w *which) one(ctx context.Context, c *client.Client) (api.Automation, error) {
	list, err := w.find(ctx, c)
	if err != nil {
		return api.Automation{}, err
	}
	if len(list) > 1 {
		return api.Automation{}, cli.Fail(cli.Refused, "several automations have that name", "say which with --id: %s", ids(list))
	}
	return list[0], nil
}

func (w *which) byID(ctx context.Context, c *client.Client) (api.Automation, error) {
	id, ok := find.ID(w.id)
	if !ok {
		return api.Automation{}, cli.Usagef("--id %q is not an id", w.id)
	}
	return readOne(ctx, c, id)
}

func readOne(ctx context.Context, c *client.Client, id uuid.UUID) (api.Automation, error) {
	one, err := c.ReadAutomation(ctx, id)
	if api.CodeOf(err) == api.CodeNotFound {
		return one, cli.NotFound("automation", id.String(), nil)
	}
	return one, err
}

// all reads every automation that the filter lets through, page by page.
func all(ctx context.Context, c *client.Client, filter *api.AutomationFilter) ([]api.Automation, error) {
	return find.Pages(0, reader(ctx, c, filter))
}

// reader reads them page by page.
func reader(ctx context.Context, c *client.Client, filter *api.AutomationFilter) func(offset, limit int) ([]api.Automation, error) {
	return func(offset, limit int) ([]api.Automation, error) {
		return c.ReadAutomations(ctx, &api.ReadAutomationsRequest{
			Automations: filter, Sort: api.Some(api.AutomationSortNameAsc), Offset: api.Some(offset), Limit: api.Some(limit),
		})
	}
}

// named words which automations a verb was done to.
func named(list []api.Automation) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = fmt.Sprintf("%q: %s", a.Name, a.ID)
	}
	if len(texts) == 1 {
		return "automation " + texts[0]
	}
	return fmt.Sprintf("%d automations:\n  %s", len(texts), strings.Join(texts, "\n  "))
}

func ids(list []api.Automation) string {
	text := ""
	for i, a := range list {
		if i > 0 {
			text += ", "
		}
		text += a.ID.String()
	}
	return text
}
