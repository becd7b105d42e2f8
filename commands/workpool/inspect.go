package workpool

import (
	"context"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type inspectOptions struct {
	env    *cli.Env
	output output.Options
	web    bool
	name   string
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show a work pool",
		Example: "usher work-pool inspect local\nusher work-pool inspect local --jq .base_job_template",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, nameArgument(env, &opts.name, true))
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[api.WorkPoolResponse]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	pool, err := find.WorkPool(ctx, c, o.name)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, "/work-pools/work-pool/"+url.PathEscape(pool.Name))
	}
	return output.Detail(o.env.Printer(o.output), *pool, properties())
}

func properties() []output.Column[api.WorkPoolResponse] {
	return append(summary(), output.Column[api.WorkPoolResponse]{
		Name: "Base job template", Value: func(p api.WorkPoolResponse) string { return output.Compact(p.BaseJobTemplate) },
		Human: func(p api.WorkPoolResponse, _ time.Time) string { return templateHint(p) },
	})
}

// summary is what fits on a page.
func summary() []output.Column[api.WorkPoolResponse] {
	return []output.Column[api.WorkPoolResponse]{
		{Name: "Name", Value: func(p api.WorkPoolResponse) string { return p.Name }, Tone: func(api.WorkPoolResponse) output.Tone { return output.Strong }, Whole: true},
		{Name: "ID", Value: func(p api.WorkPoolResponse) string { return p.ID.String() }, Whole: true},
		{Name: "Type", Value: func(p api.WorkPoolResponse) string { return p.Type }},
		{Name: "Description", Value: func(p api.WorkPoolResponse) string { return output.Text(p.Description) }},
		output.StatusColumn(status),
		{Name: "Concurrency limit", Value: func(p api.WorkPoolResponse) string { return output.Number(p.ConcurrencyLimit) }, Human: limitText},
		{Name: "Active slots", Value: func(p api.WorkPoolResponse) string { return output.Number(p.ActiveSlots) }},
		{
			Name: "Created", Value: func(p api.WorkPoolResponse) string { return output.Stamp(p.Created) },
			Human: func(p api.WorkPoolResponse, now time.Time) string { return output.TimePtr(now, p.Created) },
		},
	}
}

// templateHint leaves pages of JSON to those who ask for them.
func templateHint(p api.WorkPoolResponse) string {
	if output.Compact(p.BaseJobTemplate) == "" {
		return ""
	}
	return "usher work-pool inspect " + p.Name + " --jq .base_job_template"
}
