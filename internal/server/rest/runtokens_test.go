package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/rest"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// ownRun makes a flow run of its own and the token of its program.
func (w *town) ownRun(key string) (flow, run, token string) {
	w.t.Helper()
	post := func(path, body, member string) string {
		w.t.Helper()
		status, text, _ := call(w.t, "POST", w.main()+path, body, bearer(key)...)
		if status >= 300 {
			w.t.Fatalf("POST %s: %d %s", path, status, text)
		}
		return pick(w.t, []byte(text), member)
	}
	flow = post("/flows/", `{"name":"mine"}`, "id")
	run = post("/flow_runs/", `{"flow_id":"`+flow+`","state":{"type":"RUNNING"}}`, "id")
	return flow, run, post("/flow_runs/"+run+"/token", `{}`, "token")
}

// The program of a run that tries the ids and names of others through every operation and
// socket sees nothing of them and changes nothing.
func TestARunSeesAndChangesNothingOfOthers(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w := newTown(t, database)
		worker := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
		ids := w.fill(w.main(), w.first.APIKey)
		flow, task, run := ids[0], ids[2], ids[1]
		mine, own, token := w.ownRun(worker)
		before := w.picture(ids)
		shared := map[string]bool{ // what every run of the workspace may read, by name or id
			"ReadVariableByName": true, "ReadBlockTypeBySlug": true, "ReadBlockSchemas": true, "ReadBlockDocumentByID": true,
			"ReadBlockDocumentByNameForBlockType": true, "ReadDeployment": true, "ReadDeploymentByName": true, "CreateVariable": true, "UpdateVariableByName": true,
			"CreateFlowRunFromDeployment": true, "ReadFlow": true,
		}
		for _, op := range rest.Permissions() {
			if op.Needs == 0 {
				continue
			}
			for _, id := range append([]string{canary}, ids...) {
				path := op.Path
				for strings.Contains(path, "{") {
					before, rest, _ := strings.Cut(path, "{")
					_, after, _ := strings.Cut(rest, "}")
					path = before + id + after
				}
				if path == op.Path && id != canary || shared[op.Name] {
					continue
				}
				status, body, _ := call(t, op.Method, w.main()+path+"?flow_run_id="+run+"&task_run_id="+task, `{}`, bearer(token)...)
				if shown := strings.ReplaceAll(strings.ReplaceAll(body, path, ""), "'"+canary+"'", ""); status < 300 && strings.Contains(shown, canary) {
					t.Errorf("%s %s: %d %s", op.Method, path, status, body)
				}
			}
		}
		for _, row := range rest.Governed() {
			method, path, _ := strings.Cut(row[0], " ")
			if status, body, _ := call(t, method, w.url+w.named(path, w.first.AccountID, w.first.WorkspaceID), "{}", bearer(token)...); status != http.StatusForbidden {
				t.Errorf("%s: %d %s", row[0], status, body)
			}
		}
		now := time.Now().UTC().Format(time.RFC3339Nano)
		for name, try := range map[string][2]string{
			"a log line for another run":        {"/logs/", `[{"name":"x","level":20,"message":"forged","timestamp":"` + now + `","flow_run_id":"` + run + `"}]`},
			"a log line for another task run":   {"/logs/", `[{"name":"x","level":20,"message":"forged","timestamp":"` + now + `","flow_run_id":"` + own + `","task_run_id":"` + task + `"}]`},
			"a log line of nobody":              {"/logs/", `[{"name":"x","level":20,"message":"forged","timestamp":"` + now + `"}]`},
			"an artifact of another run":        {"/artifacts/", `{"key":"forged","type":"markdown","flow_run_id":"` + run + `"}`},
			"an artifact of another task run":   {"/artifacts/", `{"key":"forged","type":"markdown","flow_run_id":"` + own + `","task_run_id":"` + task + `"}`},
			"an artifact of nobody":             {"/artifacts/", `{"key":"forged","type":"markdown"}`},
			"a task run in another run":         {"/task_runs/", `{"name":"forged","flow_run_id":"` + run + `","task_key":"forged","dynamic_key":"0"}`},
			"a subflow of another task run":     {"/flow_runs/", `{"name":"forged","flow_id":"` + mine + `","parent_task_run_id":"` + task + `","state":{"type":"RUNNING"}}`},
			"a slot in the name of another run": {"/v2/concurrency_limits/increment-with-lease", `{"names":["` + canary + `"],"slots":1,"lease_duration":60,"holder":{"type":"flow_run","id":"` + run + `"}}`},
			"a slot of a tag for another":       {"/concurrency_limits/increment", `{"names":["` + canary + `"],"task_run_id":"` + task + `"}`},
			"the slots of another":              {"/concurrency_limits/decrement", `{"names":["` + canary + `"],"task_run_id":"` + task + `"}`},
			"slots without a lease":             {"/v2/concurrency_limits/decrement", `{"names":["` + canary + `"],"slots":1}`},
			"the state of another run":          {"/flow_runs/" + run + "/set_state", `{"state":{"type":"CANCELLED"},"force":true}`},
			"the state of another task run":     {"/task_runs/" + task + "/set_state", `{"state":{"type":"FAILED"},"force":true}`},
			"an input for another run":          {"/flow_runs/" + run + "/input", `{"key":"forged","value":"1"}`},
			"a token of another run":            {"/flow_runs/" + run + "/token", `{}`},
			"another token of its own":          {"/flow_runs/" + own + "/token", `{}`},
			"the list of secrets":               {"/block_documents/filter", `{}`},
			"the list of variables":             {"/variables/filter", `{}`},
			"the list of deployments":           {"/deployments/filter", `{}`},
		} {
			if status, body, _ := call(t, "POST", w.main()+try[0], try[1], bearer(token)...); status != http.StatusForbidden {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
		// The run of another with a key that somebody guesses does not come back.
		call(t, "POST", w.main()+"/flow_runs/", `{"name":"`+canary+`","flow_id":"`+flow+`","idempotency_key":"guessed","state":{"type":"RUNNING"}}`, bearer(w.first.APIKey)...)
		if status, body, _ := call(t, "POST", w.main()+"/flow_runs/", `{"flow_id":"`+flow+`","idempotency_key":"guessed","state":{"type":"RUNNING"}}`, bearer(token)...); status != http.StatusForbidden {
			t.Errorf("a run by a guessed key: %d %s", status, body)
		}
		for _, event := range []string{
			`{"event":"prefect.flow-run.Completed","resource":{"prefect.resource.id":"prefect.flow-run.` + run + `"}}`,
			`{"event":"prefect.flow-run.heartbeat","resource":{"prefect.resource.id":"prefect.flow-run.` + run + `"}}`,
			`{"event":"x","resource":{"prefect.resource.id":"x"},"related":[{"prefect.resource.id":"prefect.flow-run.` + run + `","prefect.resource.role":"flow-run"}]}`,
			`{"event":"prefect.work-pool.not-ready","resource":{"prefect.resource.id":"prefect.work-pool.` + uuid.NewString() + `"}}`,
			`{"event":"prefect.task-run.Failed","resource":{"prefect.resource.id":"prefect.task-run.` + task + `","prefect.orchestration":"client"},
			  "payload":{"validated_state":{"type":"FAILED"},"task_run":{"task_key":"` + canary + `","dynamic_key":"0"}},
			  "related":[{"prefect.resource.id":"prefect.flow-run.` + own + `","prefect.resource.role":"flow-run"}]}`,
		} {
			id := uuid.NewString()
			call(t, "POST", w.main()+"/events", `[`+strings.Replace(event, "{", `{"id":"`+id+`","occurred":"`+now+`",`, 1)+`]`, bearer(token)...)
			if _, body, _ := call(t, "POST", w.main()+"/events/filter", `{"filter":{"id":{"id":["`+id+`"]}}}`, bearer(w.first.APIKey)...); strings.Contains(body, id) {
				t.Errorf("a forged event is stored: %s", event)
			}
		}
		for _, path := range []string{"/logs/out", "/task_runs/subscriptions/scheduled", "/work_pools/" + canary + "/workers/connect"} {
			w.refusesSocket(path, "that of a run", `"`+token+`"`)
		}
		if after := w.picture(ids); after != before {
			t.Errorf("what belongs to others was\n%s\nand is\n%s", before, after)
		}
	})
}

// picture is what somebody else's objects look like.
func (w *town) picture(ids []string) string {
	w.t.Helper()
	var all strings.Builder
	for i, noun := range []string{"flows", "flow_runs", "task_runs", "deployments", "variables"} {
		status, body, _ := call(w.t, "GET", w.main()+"/"+noun+"/"+ids[i], "", bearer(w.first.APIKey)...)
		for _, moving := range []string{"estimated_run_time", "estimated_start_time_delta"} {
			if before, after, ok := strings.Cut(body, `"`+moving+`":`); ok {
				body = before + after[strings.IndexByte(after, ','):]
			}
		}
		fmt.Fprintf(&all, "%d %s\n", status, body)
	}
	for _, list := range []string{"/artifacts/filter", "/logs/filter", "/v2/concurrency_limits/filter", "/concurrency_limits/filter"} {
		_, body, _ := call(w.t, "POST", w.main()+list, `{}`, bearer(w.first.APIKey)...)
		all.WriteString(body + "\n")
	}
	return all.String()
}

// The program of a run may do with the run, and with what it makes, all that the SDK does;
// lists and sockets have nothing else.
func TestARunIsLetInToItself(t *testing.T) {
	t.Parallel()
	w := newTown(t, storetest.SQLiteURL(t))
	worker := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
	w.fill(w.main(), w.first.APIKey)
	flow, run, token := w.ownRun(worker)
	do := func(method, path, body string, want int) string {
		t.Helper()
		status, text, _ := call(t, method, w.main()+path, body, bearer(token)...)
		if status != want {
			t.Errorf("%s %s: %d %s", method, path, status, text)
		}
		return text
	}
	conn := w.hears(token)
	do("GET", "/flow_runs/"+run, "", http.StatusOK)
	do("GET", "/flows/"+flow, "", http.StatusOK)
	task := pick(t, []byte(do("POST", "/task_runs/", `{"flow_run_id":"`+run+`","task_key":"t","dynamic_key":"0"}`, http.StatusCreated)), "id")
	child := pick(t, []byte(do("POST", "/flow_runs/", `{"flow_id":"`+flow+`","parent_task_run_id":"`+task+`","state":{"type":"RUNNING"}}`, http.StatusCreated)), "id")
	do("POST", "/flow_runs/"+child+"/set_state", `{"state":{"type":"COMPLETED"}}`, http.StatusCreated)
	do("POST", "/task_runs/"+task+"/set_state", `{"state":{"type":"RUNNING"}}`, http.StatusCreated)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	do("POST", "/logs/", `[{"name":"x","level":20,"message":"mine","timestamp":"`+now+`","flow_run_id":"`+child+`"}]`, http.StatusCreated)
	made := pick(t, []byte(do("POST", "/artifacts/", `{"key":"k","type":"markdown","flow_run_id":"`+run+`"}`, http.StatusCreated)), "id")
	do("GET", "/artifacts/"+made, "", http.StatusOK)
	lease := pick(t, []byte(do("POST", "/v2/concurrency_limits/increment-with-lease", `{"names":["`+canary+`"],"slots":1,"lease_duration":60}`, http.StatusOK)), "lease_id")
	do("POST", "/v2/concurrency_limits/leases/"+lease+"/renew", `{"lease_duration":60}`, http.StatusNoContent)
	do("POST", "/v2/concurrency_limits/decrement-with-lease", `{"lease_id":"`+lease+`"}`, http.StatusNoContent)
	for path, want := range map[string]int{"/flow_runs/count": 2, "/task_runs/count": 1, "/artifacts/count": 1} {
		if got := strings.TrimSpace(do("POST", path, `{}`, http.StatusOK)); got != fmt.Sprint(want) {
			t.Errorf("%s: %s, not %d", path, got, want)
		}
	}
	for _, path := range []string{"/flow_runs/filter", "/task_runs/filter", "/logs/filter", "/artifacts/filter", "/artifacts/latest/filter"} {
		if text := do("POST", path, `{}`, http.StatusOK); strings.Contains(text, canary) || len(text) < 10 {
			t.Errorf("%s: %s", path, text)
		}
	}
	do("POST", "/flow_runs/filter", `{"flow_runs":{"tags":{"all_":["x"]}}}`, http.StatusOK)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, frame, err := conn.Read(ctx); err != nil || !strings.Contains(string(frame), child) && !strings.Contains(string(frame), run) {
		t.Errorf("the first that the socket tells is %s %v", frame, err)
	}

	// Who has started the run takes it away again; it ends with the run, too.
	status, text, _ := call(t, "DELETE", w.main()+"/flow_runs/"+run+"/token", "", bearer(w.first.APIKey)...)
	if status != http.StatusOK || !strings.Contains(text, `"deleted":1`) {
		t.Errorf("%d %s", status, text)
	}
	do("GET", "/flow_runs/"+run, "", http.StatusUnauthorized)
	_, _, token = w.ownRun(worker)
	w.change(func(tx *store.Tx) error {
		_, err := tx.Exec("update flow_run\nset state_type = 'COMPLETED', state_timestamp = ?", w.id.Now().Add(-time.Minute).UnixMicro())
		return err
	})
	do("POST", "/flow_runs/filter", `{}`, http.StatusUnauthorized)
	if status, text, _ := call(t, "POST", w.main()+"/flow_runs/"+run+"/token", `{}`, bearer(worker)...); status != http.StatusConflict {
		t.Errorf("a token for a run that has ended: %d %s", status, text)
	}
}

// hears subscribes the program of a run to events.
func (w *town) hears(token string) *websocket.Conn {
	w.t.Helper()
	conn, _, err := websocket.Dial(w.t.Context(), w.main()+"/events/out", &websocket.DialOptions{Subprotocols: []string{"prefect"}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.CloseNow() }) //nolint:errcheck // closing
	for _, say := range []string{`{"type":"auth","token":"` + token + `"}`, `{"type":"filter","filter":{}}`} {
		if err := conn.Write(w.t.Context(), websocket.MessageText, []byte(say)); err != nil {
			w.t.Fatal(err)
		}
	}
	if _, frame, err := conn.Read(w.t.Context()); err != nil || !strings.Contains(string(frame), "auth_success") {
		w.t.Fatalf("%s %v", frame, err)
	}
	return conn
}
