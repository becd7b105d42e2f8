package workqueue

import (
	"context"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type inspectOptions struct {
	queue

	output output.Options
	web    bool
}

// details is a queue as it is printed for programs: like the reference, with its health.
type details struct {
	api.WorkQueueResponse

	StatusDetails api.WorkQueueStatusDetail `json:"status_details"`
}

func newInspectCmd(env *cli.Env) *cobra.Command {
	opts := &inspectOptions{queue: queue{env: env}}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show a work queue and how it is",
		Example: "usher work-queue inspect urgent --pool local",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	opts.arguments(cmd)
	cli.WebFlag(cmd, &opts.web)
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[details]())
	return cmd
}

func (o *inspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	found, err := o.find(ctx, c)
	if err != nil {
		return err
	}
	if o.web {
		return find.Browse(o.env, page(found))
	}
	health, err := c.ReadWorkQueueStatus(ctx, found.ID)
	if err != nil {
		return err
	}
	return output.Detail(o.env.Printer(o.output), details{WorkQueueResponse: *found, StatusDetails: health}, properties())
}

// page is where the web interface shows a queue.
func page(q *api.WorkQueueResponse) string {
	return "/work-pools/work-pool/" + url.PathEscape(output.Text(q.WorkPoolName)) + "/queue/" + url.PathEscape(q.Name)
}

func properties() []output.Column[details] {
	var list []output.Column[details]
	for _, c := range append(columns(), description()) {
		list = append(list, output.Of(c, func(d details) api.WorkQueueResponse { return d.WorkQueueResponse }))
	}
	return append(list,
		output.Column[details]{Name: "Healthy", Value: func(d details) string { return strconv.FormatBool(d.StatusDetails.Healthy) }},
		output.Column[details]{Name: "Late runs", Value: func(d details) string { return strconv.Itoa(d.StatusDetails.LateRunsCount) }},
		output.Column[details]{Name: "Last polled", Value: func(d details) string { return output.Stamp(d.LastPolled) }},
	)
}
