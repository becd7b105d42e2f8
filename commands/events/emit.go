package events

import (
	"context"
	"maps"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/output"
)

type emitOptions struct {
	env        *cli.Env
	event      string
	resourceID string
	resource   []string
	related    string
	payload    string
	output     output.Options
}

func newEmitCmd(env *cli.Env) *cobra.Command {
	opts := &emitOptions{env: env}
	cmd := &cobra.Command{
		Use:   "emit",
		Short: "tell the server that something happened",
		Example: "usher events emit order.received --resource-id order.42\n" +
			"usher events emit order.received --resource prefect.resource.id=order.42 --resource shop=berlin --payload '{\"total\": 12.5}'",
		RunE: func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "event", Value: &opts.event, Required: true})
	flags := cmd.Flags()
	flags.StringVar(&opts.resourceID, "resource-id", "", "the `id` of what it happened to")
	flags.StringArrayVarP(&opts.resource, "resource", "r", nil, "a label of what it happened to, as `name=value`, or all of them as JSON; repeatable")
	flags.StringVar(&opts.related, "related", "", "what else has to do with it: an object of labels or a list of them, as `JSON`")
	flags.StringVarP(&opts.payload, "payload", "p", "", "more about it, as `JSON`")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Event]())
	return cmd
}

func (o *emitOptions) run(ctx context.Context) error {
	event := api.Event{ID: uuid.Must(uuid.NewV7()), Event: o.event, Occurred: api.At(o.env.Now())}
	var err error
	if event.Resource, err = o.labels(); err != nil {
		return err
	}
	related, err := o.relatedLabels()
	if err != nil {
		return err
	}
	event.Related = api.Some(related)
	event.Payload = api.Some(jsontext.Value("{}"))
	if o.payload != "" {
		payload, err := document.ReadJSON("--payload", o.payload)
		if err != nil {
			return err
		}
		event.Payload = api.Some(payload)
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if err := c.CreateEvents(ctx, []api.Event{event}); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, event, "Emitted event %q: %s", o.event, event.ID)
}

// idLabel is the label that every resource has.
const idLabel = "prefect.resource.id"

func (o *emitOptions) labels() (api.Resource, error) {
	labels := api.Resource{}
	for _, text := range o.resource {
		if strings.HasPrefix(strings.TrimSpace(text), "{") {
			object, err := labelsOf("--resource", text)
			if err != nil {
				return nil, err
			}
			maps.Copy(labels, object)
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, cli.Usagef("--resource %q is neither name=value nor JSON", text)
		}
		labels[name] = value
	}
	if o.resourceID != "" {
		labels[idLabel] = o.resourceID
	}
	if labels[idLabel] == "" {
		return nil, cli.Usagef("an event needs what it happened to: --resource-id, or a label %s", idLabel)
	}
	return labels, nil
}

func (o *emitOptions) relatedLabels() ([]api.RelatedResource, error) {
	list := []api.RelatedResource{}
	switch text := strings.TrimSpace(o.related); {
	case text == "":
		return list, nil
	case strings.HasPrefix(text, "{"):
		one, err := labelsOf("--related", text)
		return append(list, one), err
	}
	value, err := document.ReadJSON("--related", o.related)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, cli.Usagef("--related must be an object of labels whose values are texts, or a list of such objects")
	}
	return list, nil
}

func labelsOf(flag, text string) (labels map[string]string, err error) {
	value, err := document.ReadJSON(flag, text)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(value, &labels); err != nil {
		return nil, cli.Usagef("%s must be an object of labels whose values are texts", flag)
	}
	return labels, nil
}
