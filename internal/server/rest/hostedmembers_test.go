package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/access"
)

// members reads an answer's object, or the first of its list or page.
func members(t *testing.T, text jsontext.Value) map[string]jsontext.Value {
	t.Helper()
	var list []map[string]jsontext.Value
	if json.Unmarshal(text, &list) == nil {
		return list[0]
	}
	var object map[string]jsontext.Value
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, page := range []string{"results", "events"} {
		if len(object[page]) > 0 {
			return members(t, object[page])
		}
	}
	return object
}

// TestHostedMembers looks for what the hosted service adds to objects of both contracts: it
// is there below an account's path, null too, and nowhere else.
func TestHostedMembers(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		s := w.actor(w.first.WorkspaceID, access.WorkspaceOwnerID)
		heard := w.listen(s.root, s.key)
		account, workspace := `"`+w.first.AccountID.String()+`"`, `"`+w.first.WorkspaceID.String()+`"`
		flow := pick(t, s.ask(http.StatusCreated, "POST /flows/", `{"name":"a \"flow\""}`), "id")
		deployment := pick(t, s.ask(http.StatusCreated, "POST /deployments/", `{"name":"d","flow_id":"`+flow+`","schedules":[{"schedule":{"interval":3600}}]}`), "id")
		run := pick(t, s.ask(http.StatusCreated, "POST /flow_runs/", `{"flow_id":"`+flow+`","state":{"type":"RUNNING"}}`), "id")
		s.ask(http.StatusCreated, "POST /work_pools/", `{"name":"p","type":"process"}`)
		automation := pick(t, s.ask(http.StatusCreated, "POST /automations/", `{"name":"a","trigger":{"type":"event","posture":"Reactive","threshold":1,"within":0},"actions":[{"type":"do-nothing"}]}`), "id")
		tag := pick(t, s.ask(http.StatusCreated, "POST /concurrency_limits/", `{"tag":"t","concurrency_limit":1}`), "id")
		limit := pick(t, s.ask(http.StatusCreated, "POST /v2/concurrency_limits/", `{"name":"l","limit":1}`), "id")
		place := map[string]string{"account_id": account, "workspace_id": workspace}
		ofRun := map[string]string{"flow_name": `"a \"flow\""`, "deployment_version_id": "null", "deployment_version_info": "null"}
		for do, want := range map[string]map[string]string{
			"GET /flows/" + flow:                            place,
			"POST /flows/filter":                            place,
			"POST /flows/paginate":                          place,
			"GET /flow_runs/" + run:                         ofRun,
			"POST /flow_runs/filter":                        ofRun,
			"POST /flow_runs/paginate":                      ofRun,
			"GET /deployments/" + deployment:                {"account_id": account, "workspace_id": workspace, "version_id": "null", "branch": "null"},
			"POST /deployments/paginate":                    place,
			"GET /deployments/" + deployment + "/schedules": place,
			"GET /work_pools/p":                             {"is_push_pool": "false", "is_mex_pool": "false"},
			"GET /automations/" + automation:                {"account": account, "workspace": workspace, "account_id": account},
			"POST /automations/filter":                      {"account": account, "workspace": workspace},
			"GET /concurrency_limits/" + tag:                place,
			"GET /v2/concurrency_limits/" + limit:           place,
			"POST /events/filter":                           {"account": account, "workspace": workspace},
		} {
			status, text, _ := call(t, strings.Fields(do)[0], s.root+strings.Fields(do)[1], "{}", bearer(s.key)...)
			if status != http.StatusOK {
				t.Fatalf("%s: %d %s", do, status, text)
			}
			there := members(t, jsontext.Value(text))
			for name, value := range want {
				if string(there[name]) != value {
					t.Errorf("%s: %s is %q, not %s", do, name, there[name], value)
				}
			}
			status, text, _ = call(t, strings.Fields(do)[0], w.url+strings.Fields(do)[1], "{}", bearer(s.key)...)
			if status != http.StatusOK {
				t.Fatalf("%s in no account: %d %s", do, status, text)
			}
			there = members(t, jsontext.Value(text))
			for name := range want {
				if _, has := there[name]; has && name != "branch" {
					t.Errorf("%s in no account: %s is %s", do, name, there[name])
				}
			}
		}
		if text := heard(); !strings.Contains(text, `"account":`+account+`,"workspace":`+workspace) {
			t.Errorf("the socket does not say where events are: %s", text)
		}
	})
}

// TestHostedRequests sends what clients of the hosted service say otherwise: a state without
// an event, and the interval of a history.
func TestHostedRequests(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		s := w.actor(w.first.WorkspaceID, access.WorkspaceOwnerID)
		flow := pick(t, s.ask(http.StatusCreated, "POST /flows/", `{"name":"f"}`), "id")
		run := pick(t, s.ask(http.StatusCreated, "POST /flow_runs/", `{"flow_id":"`+flow+`","state":{"type":"PENDING"}}`), "id")
		told := func() string {
			return string(s.ask(http.StatusOK, "POST /events/count-by/event", `{"filter":{"event":{"prefix":["prefect.flow-run."]}}}`))
		}
		before := told()
		s.ask(http.StatusCreated, "POST /flow_runs/"+run+"/set_state", `{"state":{"type":"RUNNING"},"emit_event":false}`)
		s.ask(http.StatusOK, "POST /flow_runs/bulk_set_state", `{"flow_runs":{"id":{"any_":["`+run+`"]}},"state":{"type":"CANCELLING"},"emit_event":false}`)
		if after := told(); after != before {
			t.Errorf("states without events are told of: %s, before %s", after, before)
		}
		if state := pick(t, s.ask(http.StatusOK, "GET /flow_runs/"+run, ""), "state_type"); state != "CANCELLING" {
			t.Errorf("the run is %s", state)
		}
		s.ask(http.StatusCreated, "POST /flow_runs/"+run+"/set_state", `{"state":{"type":"CANCELLED"}}`)
		if after := told(); after == before {
			t.Errorf("a state with an event is not told of: %s", after)
		}
		span := `{"history_start":"2020-01-01T00:00:00Z","history_end":"2020-01-01T06:00:00Z"`
		for _, path := range []string{"/flow_runs/history", "/task_runs/history"} {
			for _, interval := range []string{"history_interval", "history_interval_seconds"} {
				var steps []jsontext.Value
				s.into(&steps, http.StatusOK, "POST "+path, span+`,"`+interval+`":3600}`)
				if len(steps) != 6 {
					t.Errorf("%s with %s: %d steps", path, interval, len(steps))
				}
			}
			s.ask(http.StatusUnprocessableEntity, "POST "+path, span+`}`)
			if status, text, _ := call(t, "POST", w.url+path, span+`,"history_interval":3600}`, bearer(s.key)...); status != http.StatusUnprocessableEntity {
				t.Errorf("%s in no account: %d %s", path, status, text)
			}
		}
	})
}

// TestMakers asks who made flows, work pools and work queues, and who changed them last.
func TestMakers(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		maker, other := w.actor(w.first.WorkspaceID, access.WorkspaceOwnerID), w.actor(w.first.WorkspaceID, access.WorkspaceOwnerID)
		flow := pick(t, maker.ask(http.StatusCreated, "POST /flows/", `{"name":"f"}`), "id")
		maker.ask(http.StatusCreated, "POST /work_pools/", `{"name":"p","type":"process"}`)
		maker.ask(http.StatusCreated, "POST /work_pools/p/queues", `{"name":"q"}`)
		by := ""
		for _, at := range []string{"/flows/" + flow, "/work_pools/p", "/work_pools/p/queues/q"} {
			before := members(t, maker.ask(http.StatusOK, "GET "+at, ""))
			if string(before["updated_by"]) != "null" {
				t.Errorf("%s was changed by %s", at, before["updated_by"])
			}
			if by == "" {
				by = string(before["created_by"])
			}
			if by == "null" || string(before["created_by"]) != by {
				t.Errorf("%s was made by %s, not %s", at, before["created_by"], by)
			}
			change := `{"description":"changed"}`
			if strings.HasPrefix(at, "/flows") {
				change = `{"tags":["changed"]}`
			}
			other.ask(http.StatusNoContent, "PATCH "+at, change)
			after := members(t, maker.ask(http.StatusOK, "GET "+at, ""))
			if string(after["created_by"]) != by || string(after["updated_by"]) == "null" || string(after["updated_by"]) == by {
				t.Errorf("%s was made by %s and changed by %s", at, after["created_by"], after["updated_by"])
			}
		}
	})
}

// TestWhatPoolsAndRunsTell asks what only the hosted service tells of pools, queues and runs, and
// who made them.
func TestWhatPoolsAndRunsTell(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		maker, other := w.actor(w.first.WorkspaceID, access.WorkspaceOwnerID), w.actor(w.first.WorkspaceID, access.WorkspaceOwnerID)
		flow := pick(t, maker.ask(http.StatusCreated, "POST /flows/", `{"name":"f"}`), "id")
		other.ask(http.StatusCreated, "POST /flows/", `{"name":"g"}`)
		maker.ask(http.StatusCreated, "POST /work_pools/", `{"name":"p","type":"process"}`)
		maker.ask(http.StatusCreated, "POST /work_pools/p/queues", `{"name":"q"}`)
		other.ask(http.StatusCreated, "POST /work_pools/", `{"name":"o","type":"process"}`)
		by := pick(t, maker.ask(http.StatusOK, "GET /flows/"+flow, ""), "created_by.id")
		for do, filter := range map[string]string{"POST /flows/filter": "flows", "POST /work_pools/filter": "work_pools", "POST /work_queues/filter": "work_queues"} {
			list := string(maker.ask(http.StatusOK, do, `{"`+filter+`":{"created_by":{"id_":["`+by+`"]}}}`))
			if strings.Contains(list, `"name":"g"`) || strings.Contains(list, `"name":"o"`) || !strings.Contains(list, by) {
				t.Errorf("%s of one maker: %s", do, list)
			}
			if list := string(maker.ask(http.StatusOK, do, `{"`+filter+`":{"updated_by":{"id_":["`+by+`"]}}}`)); list != "[]" {
				t.Errorf("%s that nobody changed: %s", do, list)
			}
		}
		if polled := string(members(t, maker.ask(http.StatusOK, "GET /work_pools/p", ""))["last_polled"]); polled != "null" {
			t.Errorf("the pool was polled at %s", polled)
		}
		maker.ask(http.StatusOK, "POST /work_pools/p/get_scheduled_flow_runs", `{}`)
		for do, body := range map[string]string{"GET /work_pools/p": "", "POST /work_pools/filter": `{"work_pools":{"name":{"any_":["p"]}}}`, "POST /work_pools/paginate": `{"work_pools":{"name":{"any_":["p"]}}}`} {
			if polled := string(members(t, maker.ask(http.StatusOK, do, body))["last_polled"]); !strings.HasPrefix(polled, `"20`) {
				t.Errorf("%s: the pool was polled at %s", do, polled)
			}
		}
		queue := maker.ask(http.StatusOK, "GET /work_pools/p/queues/q", "")
		if pick(t, queue, "work_pool.name") != "p" || pick(t, queue, "work_pool.last_polled") == "" {
			t.Errorf("the queue: %s", queue)
		}
		deployment := maker.ask(http.StatusCreated, "POST /deployments/", `{"name":"d","flow_id":"`+flow+`","version_info":{"type":"git","version":"1"}}`)
		run := maker.ask(http.StatusCreated, "POST /flow_runs/", `{"flow_id":"`+flow+`","deployment_id":"`+pick(t, deployment, "id")+`","state":{"type":"PENDING"}}`)
		if version := pick(t, run, "deployment_version_id"); version == "" || version != pick(t, deployment, "version_id") {
			t.Errorf("the run is of version %q of %s", version, deployment)
		}
		for _, path := range []string{"/work_pools/p", "/work_pools/p/queues/q"} {
			if _, text, _ := call(t, "GET", w.url+path, "", bearer(w.first.APIKey)...); strings.Contains(text, `"work_pool":`) || strings.Contains(text, `"is_push_pool"`) || path == "/work_pools/p" && strings.Contains(text, "last_polled") {
				t.Errorf("in no account: %s", text)
			}
		}
	})
}
