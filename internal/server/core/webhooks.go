package core

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/actionvars"
	"github.com/usherhq/usher/internal/rules/jinja"
	"github.com/usherhq/usher/internal/store"
)

// Webhook turns requests from elsewhere into events.
type Webhook = store.Webhook

// maxHookEvent is how much a template of a webhook may come to.
const maxHookEvent = 1 << 20

// newSlug is what the path of a webhook ends in: 128 random bits.
func newSlug() string {
	b := make([]byte, 16)
	rand.Read(b) //nolint:errcheck // it never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func webhookMissing(err error) error { return missing("Webhook", err) }

func checkTemplate(source string) error {
	var problem *jinja.Error
	if errors.As(jinja.Validate(source), &problem) {
		return api.Errorf(api.CodeInvalid, "The template is wrong in line %d: %s", problem.Line, problem.Message)
	}
	return nil
}

// CreateWebhook makes a webhook with an address that nobody can guess.
func (c *Core) CreateWebhook(ctx context.Context, who Caller, in *api.WebhookCreate) (w *store.Webhook, err error) {
	if err := checkTemplate(in.Template); err != nil {
		return nil, err
	}
	err = c.write(ctx, who, func(t *work) error {
		w = &store.Webhook{
			WorkspaceID: t.Workspace(), ID: newID(), Created: t.now, Updated: t.now, Name: in.Name, Description: in.Description.Or(""),
			Enabled: in.Enabled.Or(true), Bot: in.BotID, Template: in.Template, Slug: newSlug(),
		}
		return t.InsertWebhook(w)
	})
	return w, err
}

// UpdateWebhook replaces what a webhook is, but for its address.
func (c *Core) UpdateWebhook(ctx context.Context, who Caller, id uuid.UUID, in *api.WebhookCreate) error {
	if err := checkTemplate(in.Template); err != nil {
		return err
	}
	return c.setWebhook(ctx, who, id, store.Set{Column: "name", Value: in.Name}, store.Set{Column: "description", Value: in.Description.Or("")},
		store.Set{Column: "enabled", Value: in.Enabled.Or(true)}, store.Set{Column: "service_account_id", Value: in.BotID}, store.Set{Column: "template", Value: in.Template})
}

// EnableWebhook switches a webhook on or off.
func (c *Core) EnableWebhook(ctx context.Context, who Caller, id uuid.UUID, enabled bool) error {
	return c.setWebhook(ctx, who, id, store.Set{Column: "enabled", Value: enabled})
}

// RotateWebhook gives a webhook another address; the one before is gone.
func (c *Core) RotateWebhook(ctx context.Context, who Caller, id uuid.UUID) (*store.Webhook, error) {
	if err := c.setWebhook(ctx, who, id, store.Set{Column: "slug", Value: newSlug()}); err != nil {
		return nil, err
	}
	return c.Webhook(ctx, who, id)
}

func (c *Core) setWebhook(ctx context.Context, who Caller, id uuid.UUID, sets ...store.Set) error {
	return c.write(ctx, who, func(w *work) error {
		return webhookMissing(w.UpdateWebhook(id, append(sets, store.Set{Column: "updated", Value: w.now})...))
	})
}

// DeleteWebhook removes a webhook.
func (c *Core) DeleteWebhook(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error { return webhookMissing(w.Tx.DeleteWebhook(id)) })
}

// Webhook returns a webhook.
func (c *Core) Webhook(ctx context.Context, who Caller, id uuid.UUID) (*store.Webhook, error) {
	w, err := value(ctx, c, who, func(tx *store.Tx) (*store.Webhook, error) { return tx.Webhook(id) })
	return w, webhookMissing(err)
}

// Webhooks lists the webhooks of the workspace by name.
func (c *Core) Webhooks(ctx context.Context, who Caller) ([]store.Webhook, error) {
	return value(ctx, c, who, (*store.Tx).Webhooks)
}

// WebhookAt finds a webhook by the end of its path, in whichever workspace.
func (c *Core) WebhookAt(ctx context.Context, slug string) (*store.Webhook, error) {
	w, err := across(ctx, c, func(tx *store.Tx) (*store.Webhook, error) { return tx.WebhookBySlug(slug) })
	return w, webhookMissing(err)
}

// Hook is a request from elsewhere.
type Hook struct {
	Method string
	Header http.Header // without what lets its sender in
	Body   []byte
}

// RunWebhook makes an event of a request, as the template of a webhook says. What is wrong
// with it is told as an event, too.
func (c *Core) RunWebhook(ctx context.Context, hook *store.Webhook, in *Hook) error {
	who := Caller{Workspace: hook.WorkspaceID}
	made, rendered, err := c.hookEvent(hook, in)
	outcome := "received"
	if err != nil {
		outcome = "failed"
	}
	told := api.ReceivedEvent{
		ID: newID(), Occurred: c.now(), Event: "prefect-cloud.webhook." + outcome,
		Resource: api.Resource{"prefect.resource.id": "prefect-cloud.webhook." + hook.ID.String(), "prefect.resource.name": hook.Name},
	}
	payload := map[string]any{"method": in.Method, "headers": flat(in.Header), "body": clipped(string(in.Body)), "rendered": clipped(rendered)}
	if err != nil {
		payload["error"] = err.Error()
	}
	text, bad := json.Marshal(payload, json.Deterministic(true))
	if bad != nil {
		return bad
	}
	told.Payload = text
	events := []api.ReceivedEvent{told}
	if err == nil {
		made.Related = append(made.Related, api.RelatedResource{"prefect.resource.id": told.Resource["prefect.resource.id"], "prefect.resource.role": "webhook", "prefect.resource.name": hook.Name})
		events = append(events, *made)
	}
	return errors.Join(err, c.Ingest(ctx, who, events))
}

// clipped keeps what is told of a request small enough to be kept.
func clipped(text string) string {
	const most = 100_000
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

func flat(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		out[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return out
}

// hookEvent renders the template of a webhook and reads the event in it.
func (c *Core) hookEvent(hook *store.Webhook, in *Hook) (e *api.ReceivedEvent, rendered string, err error) {
	body, err := hookBody(in)
	if err != nil {
		return nil, "", err
	}
	headers := hookHeaders(flat(in.Header))
	filters := actionvars.Filters(c.UIURL)
	filters["from_cloud_event"] = fromCloudEvent
	rendered, err = jinja.Render(hook.Template, map[string]any{"method": strings.ToUpper(in.Method), "headers": headers, "body": body},
		jinja.Env{Now: c.Clock(), Filters: filters, Output: maxHookEvent})
	if err != nil {
		return nil, "", api.Errorf(api.CodeMalformed, "%w", err)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal([]byte(rendered), &members); err != nil {
		return nil, rendered, api.Errorf(api.CodeMalformed, "The template does not come to an object in JSON: %w", err)
	}
	fill := func(name string, value any) {
		if raw, has := members[name]; has && string(raw) != "null" {
			return
		}
		text, bad := json.Marshal(value, json.Deterministic(true))
		err = errors.Join(err, bad)
		members[name] = text
	}
	fill("id", newID())
	fill("occurred", c.now())
	fill("payload", map[string]any{"method": in.Method, "headers": flat(in.Header), "body": plainBody(in)})
	text, bad := json.Marshal(members, json.Deterministic(true))
	if err = errors.Join(err, bad); err != nil {
		return nil, rendered, err
	}
	event, err := ReadEvent(text)
	if err != nil {
		return nil, rendered, api.Errorf(api.CodeMalformed, "The template does not come to an event: %w", err)
	}
	return &event, rendered, nil
}

// hookBody is the body as templates see it: JSON, the fields of a form, or text.
func hookBody(in *Hook) (any, error) {
	kind, _, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(in.Body))
		if err != nil {
			return nil, api.Errorf(api.CodeMalformed, "The body is no form: %w", err)
		}
		d := jinja.NewDict()
		for _, name := range slices.Sorted(maps.Keys(form)) {
			d.Set(name, form.Get(name))
		}
		return d, nil
	case jsontext.Value(in.Body).IsValid():
		return jinja.FromJSON(in.Body)
	case err == nil && kind == "application/json" && len(bytes.TrimSpace(in.Body)) > 0:
		return nil, api.Errorf(api.CodeMalformed, "The body says that it is JSON and is not.")
	}
	return strings.ToValidUTF8(string(in.Body), "\uFFFD"), nil
}

// plainBody is the body as the payload has it that the template leaves out.
func plainBody(in *Hook) any {
	if jsontext.Value(in.Body).IsValid() {
		return jsontext.Value(in.Body)
	}
	return strings.ToValidUTF8(string(in.Body), "\uFFFD")
}

// hookHeaders are headers whose names are the same in upper and lower case.
type hookHeaders map[string]string

// Member finds a header, or the ways of a dict to look at them.
func (h hookHeaders) Member(name string) (any, bool) {
	switch name {
	case "get":
		return jinja.Func(func(args []any, _ map[string]any) (any, error) {
			if len(args) > 0 {
				if key, ok := args[0].(string); ok {
					if v, has := h[strings.ToLower(key)]; has {
						return v, nil
					}
				}
			}
			if len(args) > 1 {
				return args[1], nil
			}
			return nil, nil
		}), true
	case "items":
		return jinja.Func(func([]any, map[string]any) (any, error) {
			list := []any{}
			for _, key := range slices.Sorted(maps.Keys(h)) {
				list = append(list, []any{key, h[key]})
			}
			return list, nil
		}), true
	}
	v, ok := h[strings.ToLower(name)]
	return v, ok
}

// String is how the headers print.
func (h hookHeaders) String() string { return "<headers>" }

// TypeName is what errors call them.
func (h hookHeaders) TypeName() string { return "Headers" }

// JSON is what tojson writes.
func (h hookHeaders) JSON() any {
	d := jinja.NewDict()
	for _, key := range slices.Sorted(maps.Keys(h)) {
		d.Set(key, h[key])
	}
	return d
}

// fromCloudEvent makes an event of a CloudEvent, whose attributes are in the body or, with
// the headers as its argument, in headers that begin with ce-.
func fromCloudEvent(args []any, _ map[string]any) (any, error) {
	attributes, data := map[string]any{}, args[0]
	if len(args) > 1 {
		if h, ok := args[1].(hookHeaders); ok {
			for name, value := range h {
				if key, is := strings.CutPrefix(name, "ce-"); is {
					attributes[key] = value
				}
			}
		}
	}
	if d, ok := args[0].(*jinja.Dict); ok && len(attributes) == 0 {
		data = nil
		for _, key := range d.Keys() {
			name, _ := key.(string)
			value, _ := d.Get(key)
			if name == "data" {
				data = value
			} else {
				attributes[name] = value
			}
		}
	}
	if attributes["type"] == nil || attributes["source"] == nil {
		return nil, errors.New("this is no CloudEvent: it has no type or no source")
	}
	about := attributes["source"]
	if subject := attributes["subject"]; subject != nil {
		about = subject
	}
	e, resource, payload, rest := jinja.NewDict(), jinja.NewDict(), jinja.NewDict(), jinja.NewDict()
	resource.Set("prefect.resource.id", about)
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		rest.Set(key, attributes[key])
	}
	payload.Set("cloudevents", rest)
	payload.Set("data", data)
	e.Set("event", attributes["type"])
	e.Set("resource", resource)
	if at := attributes["time"]; at != nil {
		e.Set("occurred", at)
	}
	e.Set("payload", payload)
	return e, nil
}
