package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/store/storetest"
)

// TestBlocksReferToBlocks: a reference that would close a circle is refused, and changes
// nothing. Documents that refer to the next one twice, level after level, can be read and
// listed: what is shown of them ends somewhere, and nobody waits long for it.
func TestBlocksReferToBlocks(t *testing.T) {
	t.Parallel()
	url := startServer(t, storetest.SQLiteURL(t))
	made := func(do, body string) string {
		t.Helper()
		status, answer := ask(t, url, do, body)
		if status != http.StatusCreated {
			t.Fatalf("%s: %d %s", do, status, answer)
		}
		var object struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(answer, &object); err != nil {
			t.Fatal(err)
		}
		return object.ID
	}
	kind := made("POST /block_types/", `{"name":"Ring","slug":"ring"}`)
	schema := made("POST /block_schemas/", fmt.Sprintf(`{"block_type_id":%q,"capabilities":[],"fields":{"title":"Ring","type":"object","properties":{"a":{},"b":{}},"block_type_slug":"ring","block_schema_references":{}}}`, kind))
	document := func(name, data string) string {
		t.Helper()
		return made("POST /block_documents/", fmt.Sprintf(`{"name":%q,"block_type_id":%q,"block_schema_id":%q,"data":%s}`, name, kind, schema, data))
	}
	both := func(id string) string {
		return strings.ReplaceAll(`{"a":{"$ref":{"block_document_id":"ID"}},"b":{"$ref":{"block_document_id":"ID"}}}`, "ID", id)
	}
	first := document("first", "{}")
	last := first
	for level := range 30 {
		last = document(fmt.Sprint("level-", level), both(last))
	}
	if status, answer := ask(t, url, "PATCH /block_documents/"+first, `{"data":`+both(last)+`}`); status != http.StatusBadRequest || !strings.Contains(string(answer), "cycle") {
		t.Errorf("closing the circle: %d %s", status, answer)
	}
	if _, answer := ask(t, url, "GET /block_documents/"+first, ""); !strings.Contains(string(answer), `"data":{}`) {
		t.Errorf("after a refusal the first is %s", answer)
	}
	for do, body := range map[string]string{"GET /block_documents/" + last: "", "POST /block_documents/filter": "{}"} {
		status, answer := ask(t, url, do, body)
		if status != http.StatusOK || !strings.Contains(string(answer), first) {
			t.Errorf("%s: %d %.200s", do, status, answer)
		}
		if len(answer) > 32<<20 {
			t.Errorf("%s answers with %d bytes", do, len(answer))
		}
	}
}

// TestTriggersInsideTriggers: a trigger may hold others many levels deep, but not as deep as
// somebody likes; of what is refused nothing is stored.
func TestTriggersInsideTriggers(t *testing.T) {
	t.Parallel()
	url := startServer(t, storetest.SQLiteURL(t))
	create := func(levels int) int {
		t.Helper()
		trigger := strings.Repeat(`{"type":"compound","require":"any","within":10,"triggers":[`, levels) +
			`{"type":"event","posture":"Reactive","expect":["x"]}` + strings.Repeat(`]}`, levels)
		status, _ := ask(t, url, "POST /automations/", `{"name":"deep","actions":[],"trigger":`+trigger+`}`)
		return status
	}
	for levels, want := range map[int]int{32: http.StatusCreated, 33: http.StatusUnprocessableEntity, 300: http.StatusUnprocessableEntity, 20_000: http.StatusUnprocessableEntity} {
		if got := create(levels); got != want {
			t.Errorf("%d levels: status %d, want %d", levels, got, want)
		}
	}
	if _, answer := ask(t, url, "POST /automations/count", "{}"); string(answer) != "1" {
		t.Errorf("%s automations are stored", answer)
	}
}
