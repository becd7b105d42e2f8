package events

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// filterOptions choose events; ls and stream share them.
type filterOptions struct {
	names     []string
	resources []string
	text      string
}

func (f *filterOptions) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.names, "event", "e", nil, "events with this `name`; one that ends in * is a beginning; repeatable")
	flags.StringArrayVarP(&f.resources, "resource", "r", nil, "events about the resource with this `id`, or with an id that begins so if it ends in *; repeatable")
	flags.StringVar(&f.text, "text", "", "events in which these `words` stand; -word excludes")
}

func (f *filterOptions) filter(since, until time.Time) *api.EventFilter {
	from, to := api.At(since), api.At(until)
	filter := &api.EventFilter{Occurred: &api.EventOccurredFilter{Since: &from, Until: &to}}
	if len(f.names) > 0 {
		names, prefixes := split(f.names)
		filter.Event = &api.EventNameFilter{Name: names, Prefix: prefixes}
	}
	if len(f.resources) > 0 {
		ids, prefixes := split(f.resources)
		filter.Resource = &api.EventResourceFilter{ID: ids, IDPrefix: prefixes}
	}
	if f.text != "" {
		filter.Text = &api.EventTextFilter{Query: f.text}
	}
	return filter
}

// split parts whole names from beginnings, which end in a star.
func split(patterns []string) (whole, beginnings []string) {
	for _, p := range patterns {
		if beginning, isBeginning := strings.CutSuffix(p, "*"); isBeginning {
			beginnings = append(beginnings, beginning)
		} else {
			whole = append(whole, p)
		}
	}
	return whole, beginnings
}

type listOptions struct {
	env    *cli.Env
	output output.Options
	web    bool
	filter filterOptions
	since  time.Duration
	limit  int
}

func newListCmd(env *cli.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list what has happened, the newest first",
		Example: "usher events ls --since 1h\nusher events ls --event 'prefect.flow-run.*' --limit 5",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	opts.filter.define(cmd)
	cmd.Flags().DurationVar(&opts.since, "since", 24*time.Hour, "how far to look back, as in 90m or 48h")
	cmd.Flags().IntVar(&opts.limit, "limit", 50, "show at most this many; 0 for all")
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.ReceivedEvent]())
	return cmd
}

// pageSize is how many events the API gives at once.
const pageSize = 50

func (o *listOptions) run(ctx context.Context) error {
	if o.web {
		return find.Browse(o.env, "/events")
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	printer := o.env.Printer(o.output)
	itself := func(page []api.ReceivedEvent) ([]api.ReceivedEvent, error) { return page, nil }
	found, err := output.Pages(printer, columns(), itself, func(use func([]api.ReceivedEvent) error) error { return o.each(ctx, c, use) })
	if err == nil && found == 0 && !printer.Structured() {
		o.env.Say("No events found; --since looks further back.")
	}
	return err
}

// each reads the events page by page. There is no next page to ask for where one was not full.
func (o *listOptions) each(ctx context.Context, c *client.Client, use func([]api.ReceivedEvent) error) error {
	size := pageSize
	if o.limit > 0 {
		size = min(size, o.limit)
	}
	now := o.env.Now()
	page, err := c.ReadEvents(ctx, &api.ReadEventsRequest{Filter: o.filter.filter(now.Add(-o.since), now), Limit: api.Some(size)})
	for done := 0; err == nil; {
		events := page.Events
		if o.limit > 0 {
			events = events[:min(len(events), o.limit-done)]
		}
		if err := use(events); err != nil {
			return err
		}
		done += len(events)
		if page.NextPage == nil || len(page.Events) < size || done == o.limit {
			return nil
		}
		page, err = nextPage(ctx, c, *page.NextPage)
	}
	return err
}

// nextPage follows the link to a page, on the server that was asked: the link names the
// host by which the server knows itself.
func nextPage(ctx context.Context, c *client.Client, link string) (page api.EventPage, err error) {
	_, query, _ := strings.Cut(link, "?")
	answer, err := c.Do(ctx, http.MethodGet, "/events/filter/next?"+query, nil)
	if err != nil {
		return page, err
	}
	return page, json.Unmarshal(answer.Body, &page)
}
