package core

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

const callWebhook = "call-webhook"

// send does what an action sends through a block: a notification, or a call of a webhook.
func (c *Core) send(ctx context.Context, who Caller, d *deed) (effect, error) {
	b, err := c.loadBlock(ctx, who, d)
	if b == nil {
		return nil, err
	}
	if err != nil {
		return b.loaded(err), nil
	}
	var members struct {
		Subject string `json:"subject"`
		Body    string `json:"body"`
		Payload string `json:"payload"`
	}
	if err := json.Unmarshal(d.Stored, &members); err != nil {
		return nil, err
	}
	if d.Type == callWebhook {
		texts, err := c.rendered(ctx, who, d, members.Payload)
		if err != nil {
			return b.loaded(err), nil
		}
		return b.loaded(c.call(ctx, d, b, texts[0])), nil
	}
	texts, err := c.rendered(ctx, who, d, members.Subject, members.Body)
	if err != nil {
		return b.loaded(err), nil
	}
	if err := c.Sender.Notify(ctx, d.ID.String(), b.slug, b.data, texts[0], texts[1]); err != nil {
		d.details["notification_log"] = err.Error()
		return b.loaded(notDone("Notification failed")), nil
	}
	return b.loaded(nil), nil
}

// loadedBlock is a block that an action uses.
type loadedBlock struct {
	*api.BlockDocument

	slug string
	data map[string]any
}

// loadBlock reads the block of an action, with its secrets. One that is not of a kind for the
// action comes with the error.
func (c *Core) loadBlock(ctx context.Context, who Caller, d *deed) (*loadedBlock, error) {
	doc, err := c.BlockDocument(ctx, who, *d.Block, true)
	if api.CodeOf(err) == api.CodeNotFound {
		return nil, notDone("Unexpected status from '" + d.Type + "' action: " + strconv.Itoa(api.CodeNotFound.Status()))
	}
	if err != nil {
		return nil, err
	}
	b := &loadedBlock{BlockDocument: doc, slug: doc.BlockType.Slug}
	switch {
	case d.Type == callWebhook && b.slug != "webhook":
		return b, notDone("The referenced block was not a webhook block")
	case d.Type != callWebhook && !slices.Contains(doc.BlockSchema.Capabilities, "notify"):
		return b, notDone("The referenced block was not a notification block")
	case json.Unmarshal(doc.Data, &b.data) != nil:
		return b, notDone("The block's data is no object")
	}
	d.related = append(d.related, b.resource(roleLabel, "block"), b.typeResource())
	return b, nil
}

func (b *loadedBlock) resource(labels ...string) map[string]string {
	name := ""
	if b.Name != nil {
		name = *b.Name
	}
	return resource("block-document", b.ID, name, labels...)
}

func (b *loadedBlock) typeResource() map[string]string {
	return map[string]string{"prefect.resource.id": "prefect.block-type." + b.slug, roleLabel: "block-type"}
}

// loaded tells that the block was loaded, and how its use ended.
func (b *loadedBlock) loaded(outcome error) effect {
	return func(w *work, d *deed) error {
		if outcome != nil && !isFinal(outcome) {
			return outcome
		}
		if b.Name != nil {
			if err := w.emit(w.about("prefect.block."+b.slug+".loaded", b.resource(), b.typeResource())); err != nil {
				return err
			}
		}
		if outcome != nil {
			d.problem = outcome.Error()
		}
		return nil
	}
}

// rendered renders the templates of an action on a snapshot.
func (c *Core) rendered(ctx context.Context, who Caller, d *deed, texts ...string) ([]string, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]string, error) {
		return (&work{ctx: ctx, Tx: tx, core: c, who: who, now: c.now()}).render(d, texts...)
	})
}

// longestAnswer is how many characters of a webhook's answer are told.
const longestAnswer = 1000

// call calls a webhook and notes its answer, whatever that is.
func (c *Core) call(ctx context.Context, d *deed, b *loadedBlock, payload string) error {
	answer, err := c.Sender.CallWebhook(ctx, d.ID.String(), b.data, payload)
	if err != nil {
		return notDone("Webhook call failed: " + err.Error())
	}
	d.details["status_code"] = answer.Status
	d.details["response_body"] = shortenTo(answer.Body, longestAnswer)
	d.details["response_headers"] = tellable(answer.Header)
	return nil
}

// tellable are the headers that are neither secret nor noise.
func tellable(header http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range header {
		name = strings.ToLower(name)
		hides := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		hidden := slices.Contains([]string{"authorization", "traceparent", "via"}, name)
		if !hidden && !slices.ContainsFunc([]string{"x-forwarded", "x-b3", "x-cloud-trace", "x-envoy", "x-prefect"}, hides) {
			out[name] = strings.Join(values, ", ")
		}
	}
	return out
}
