package core_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/notify"
)

// block makes a block document of one of the system's types.
func (h *house) block(slug, name, data string) uuid.UUID {
	h.t.Helper()
	kind := must[*api.BlockType](h.t)(h.BlockTypeBySlug(h.t.Context(), who, slug))
	f := &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{kind.ID}}}
	schemas := must[[]api.BlockSchema](h.t)(h.BlockSchemas(h.t.Context(), who, f, 1, 0))
	in := read[api.BlockDocumentCreate](h.t, `{"name":"`+name+`","block_type_id":"`+kind.ID.String()+`","block_schema_id":"`+schemas[0].ID.String()+`","data":`+data+`}`)
	return must[*api.BlockDocument](h.t)(h.CreateBlockDocument(h.t.Context(), who, in)).ID
}

// receiver keeps what is sent to it, and refuses what says so.
func receiver(t *testing.T) (url string, got chan string) {
	t.Helper()
	got = make(chan string, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Forwarded-For", "secret")
		w.Header().Set("X-Answer", "yes")
		if strings.Contains(string(body), "refuse") {
			w.WriteHeader(http.StatusTeapot)
		}
		got <- string(body)
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func TestActionsSendThroughBlocks(t *testing.T) {
	inHouses(t, func(h *house) {
		h.Sender = &notify.Client{Clock: h.clock}
		url, got := receiver(h.t)
		hook := h.block("webhook", "hook", `{"url":"`+url+`","method":"POST"}`).String()
		custom := h.block("custom-webhook", "custom", `{"name":"n","url":"`+url+`","method":"POST","json_data":{"text":"{{subject}}: {{body}}"}}`).String()
		triggers := h.started()
		h.automation("a", `{"type":"event","posture":"Reactive","expect":["x"]}`, `"actions":[
			{"type":"call-webhook","block_document_id":"`+hook+`","payload":"{\"of\": \"{{ event.resource.id }}\"}"},
			{"type":"send-notification","block_document_id":"`+custom+`","subject":"{{ automation.name }}","body":"{{ event.event }}"},
			{"type":"send-notification","block_document_id":"`+custom+`","body":"refuse"},
			{"type":"send-notification","block_document_id":"`+hook+`","body":"b"},
			{"type":"call-webhook","block_document_id":"`+custom+`"},
			{"type":"send-notification","block_document_id":"`+custom+`","body":"{{ 1/0 }}"}]`)
		h.happens("x", "r.1", "")
		h.evaluate(triggers)
		h.act()
		close(got)
		var sent []string
		for body := range got {
			sent = append(sent, body)
		}
		h.equal("sent", sent, []string{`{"of": "r.1"}`, `{"text":"a: x"}`, `{"text":"Prefect automated notification: refuse"}`})
		var reasons []string
		for _, payload := range h.failures() {
			reason, _ := member(h.t, []byte(payload), "reason").(string)
			reasons = append(reasons, reason)
		}
		h.equal("failures", reasons, []string{
			"Notification failed", "The referenced block was not a notification block", "The referenced block was not a webhook block",
			"Template rendering failed: ZeroDivisionError('division by zero')",
		})
		h.equal("blocks", h.events("prefect.block."), []string{"webhook.loaded", "custom-webhook.loaded", "custom-webhook.loaded", "webhook.loaded", "custom-webhook.loaded", "custom-webhook.loaded"})
	})
}

func TestAnActionOutlivesWhoTookIt(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", "")
		triggers := h.started()
		h.automation("a", onX, `"actions":[{"type":"run-deployment","deployment_id":"`+d.ID.String()+`"}]`)
		h.happens("x", "r", "")
		h.evaluate(triggers)
		first, _, err := h.TakeActions(h.t.Context(), who)
		h.ok(err)
		h.act()
		h.equal("while it is taken", h.outcomes(), []string{"created", "triggered"})
		h.pass(2 * time.Minute)
		h.act()
		for i := range first {
			h.ok(h.Perform(h.t.Context(), who, &first[i]))
		}
		h.equal("in the end", h.outcomes(), []string{"created", "triggered", "action.triggered", "action.executed"})
		if runs := h.runsOf(d); len(runs) != 1 {
			h.t.Errorf("%d runs", len(runs))
		}
	})
}
