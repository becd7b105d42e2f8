package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/rest"
	"github.com/usherhq/usher/internal/store/storetest"
)

// canary is a text that only one workspace holds.
const canary = "kanarienvogel"

// fill makes something of every kind in a workspace and returns the ids.
func (w *town) fill(root, key string) (ids []string) {
	w.t.Helper()
	made := func(do, body string) string {
		w.t.Helper()
		method, path, _ := strings.Cut(do, " ")
		status, text, _ := call(w.t, method, root+path, body, bearer(key)...)
		if status != http.StatusCreated && status != http.StatusOK {
			w.t.Fatalf("%s: %d %s", do, status, text)
		}
		id := pick(w.t, []byte(text), "id")
		ids = append(ids, id)
		return id
	}
	flow := made("POST /flows/", `{"name":"`+canary+`"}`)
	run := made("POST /flow_runs/", `{"name":"`+canary+`","flow_id":"`+flow+`","state":{"type":"RUNNING"}}`)
	task := made("POST /task_runs/", `{"name":"`+canary+`","flow_run_id":"`+run+`","task_key":"`+canary+`","dynamic_key":"0"}`)
	made("POST /deployments/", `{"name":"`+canary+`","flow_id":"`+flow+`"}`)
	made("POST /variables/", `{"name":"`+canary+`","value":"`+canary+`"}`)
	made("POST /work_pools/", `{"name":"`+canary+`","type":"process"}`)
	made("POST /artifacts/", `{"key":"`+canary+`","type":"markdown","data":"`+canary+`","flow_run_id":"`+run+`"}`)
	made("POST /v2/concurrency_limits/", `{"name":"`+canary+`","limit":1}`)
	made("POST /concurrency_limits/", `{"tag":"`+canary+`","concurrency_limit":1}`)
	made("PUT /saved_searches/", `{"name":"`+canary+`","filters":[]}`)
	made("POST /automations/", `{"name":"`+canary+`","trigger":{"type":"event","expect":["x"],"posture":"Reactive","threshold":1},"actions":[{"type":"do-nothing"}]}`)
	made("POST /slas/", `{"name":"`+canary+`","duration":60}`)
	kind := made("POST /block_types/", `{"name":"`+canary+`","slug":"`+canary+`"}`)
	schema := made("POST /block_schemas/", `{"block_type_id":"`+kind+`","fields":{"title":"`+canary+`","type":"object","properties":{}}}`)
	made("POST /block_documents/", `{"name":"`+canary+`","block_type_id":"`+kind+`","block_schema_id":"`+schema+`","data":{}}`)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	call(w.t, "POST", root+"/logs/", fmt.Sprintf(`[{"name":%q,"level":20,"message":%q,"timestamp":%q,"flow_run_id":%q,"task_run_id":%q}]`, canary, canary, now, run, task), bearer(key)...)
	call(w.t, "POST", root+"/events", fmt.Sprintf(`[{"id":%q,"occurred":%q,"event":"%s.happened","resource":{"prefect.resource.id":%q}}]`, uuid.NewString(), now, canary, canary), bearer(key)...)
	return ids
}

// Nothing of one workspace is to be seen in another one, by any operation, with the ids
// and the names of what is there, nor on a socket that listens meanwhile.
func TestNothingOfOneWorkspaceIsSeenInAnother(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w := newTown(t, database)
		other := w.member(w.first.AccountID, access.MemberID, w.side.ID, access.WorkspaceOwnerID)
		side := w.in(w.first.AccountID, w.side.ID)
		heard := w.listen(side, other)
		ids := w.fill(w.main(), w.first.APIKey)
		seen := 0
		for _, op := range rest.Permissions() {
			for _, id := range append([]string{canary}, ids...) {
				path := op.Path
				for strings.Contains(path, "{") {
					before, rest, _ := strings.Cut(path, "{")
					_, after, _ := strings.Cut(rest, "}")
					path = before + id + after
				}
				if path == op.Path && id != canary {
					continue // it names nothing
				}
				if strings.HasPrefix(op.Name, "Create") || strings.HasPrefix(op.Name, "Delete") || strings.HasPrefix(op.Name, "Bulk") || op.Name == "InstallSystemBlockTypes" {
					continue
				}
				status, body, _ := call(t, op.Method, side+path, `{}`, bearer(other)...)
				seen++
				if shown := strings.ReplaceAll(strings.ReplaceAll(body, path, ""), "'"+canary+"'", ""); status < 300 && strings.Contains(shown, canary) {
					t.Errorf("%s %s: %d %s", op.Method, path, status, body)
				}
			}
		}
		for _, id := range ids { // nor can it be deleted from there
			for _, noun := range []string{"flows", "flow_runs", "task_runs", "deployments", "variables", "artifacts", "automations", "block_types", "block_schemas", "block_documents", "saved_searches"} {
				if status, body, _ := call(t, "DELETE", side+"/"+noun+"/"+id, "", bearer(other)...); status < 400 {
					t.Errorf("DELETE %s: %d %s", noun, status, body)
				}
			}
		}
		if text := heard(); strings.Contains(text, canary) {
			t.Errorf("a socket of the other workspace has heard: %s", text)
		}
		if _, body, _ := call(t, "POST", w.main()+"/flows/filter", `{}`, bearer(w.first.APIKey)...); !strings.Contains(body, canary) {
			t.Errorf("it is not there any more: %s", body)
		}
		t.Logf("%d requests", seen)
	})
}

// listen listens to the events and logs of a workspace; the function that it returns ends
// that, once an event of the workspace itself has come, and returns what was heard.
func (w *town) listen(root, key string) (heard func() string) {
	w.t.Helper()
	frames := make(chan string, 100)
	for _, path := range []string{"/events/out", "/logs/out"} {
		conn, _, err := websocket.Dial(w.t.Context(), root+path, &websocket.DialOptions{Subprotocols: []string{"prefect"}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { conn.CloseNow() }) //nolint:errcheck // closing
		for _, say := range []string{`{"type":"auth","token":"` + key + `"}`, `{"type":"filter","filter":{}}`} {
			if err := conn.Write(w.t.Context(), websocket.MessageText, []byte(say)); err != nil {
				w.t.Fatal(err)
			}
		}
		if _, _, err := conn.Read(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		go func() {
			for {
				_, frame, err := conn.Read(w.t.Context())
				if err != nil {
					return
				}
				frames <- string(frame)
			}
		}()
	}
	return func() string {
		call(w.t, "POST", root+"/variables/", `{"name":"the_last_one","value":1}`, bearer(key)...)
		var all strings.Builder
		late := time.After(30 * time.Second)
		for !strings.Contains(all.String(), "the_last_one") {
			select {
			case frame := <-frames:
				all.WriteString(frame + "\n")
			case <-late:
				w.t.Fatalf("nothing is heard of the workspace's own event; so far: %s", all.String())
			}
		}
		return all.String()
	}
}
