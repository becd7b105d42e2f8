package rest_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store/storetest"
)

// declared is one thing that a tool such as Terraform's provider makes, compares with what it
// has written, changes, and takes away. $name stands for the id of what was made before, A for
// the account and W for the workspace.
type declared struct {
	name   string
	make   string // method and path
	body   string
	read   string // path; "" is that of make with the id
	change string // method; "" is PATCH
	to     string // what it becomes; "" when it is not changed
}

var declaredThings = []declared{
	{name: "space", make: "POST A/workspaces/", body: `{"name":"Team Data","description":"what data does","handle":"team-data"}`, to: `{"name":"Other","description":"changed","handle":"team-data","default_workspace_role_id":null}`},
	{name: "role", make: "POST A/workspace_roles/", body: `{"name":"runner","description":"","scopes":["see_flows","run_deployments"],"inherited_role_id":null}`, to: `{"name":"runners","scopes":["see_flows"]}`},
	{name: "bot", make: "POST A/bots/", body: `{"name":"tf-bot","account_role_id":"` + access.MemberID.String() + `"}`, to: `{"name":"tf-bot-2"}`},
	{name: "team", make: "POST A/teams", body: `{"name":"crew","description":"the crew"}`, change: "PUT", to: `{"name":"crew","description":"the new crew"}`},
	{name: "flow", make: "POST W/flows/", body: `{"name":"etl","tags":["a","b"]}`, to: `{"tags":["c"]}`},
	{name: "pool", make: "POST W/work_pools/", body: `{"name":"pool","description":null,"type":"kubernetes","base_job_template":{"job_configuration":{"command":"{{ command }}"},"variables":{"properties":{"command":{"type":"string"}},"type":"object"}},"is_paused":false,"concurrency_limit":null}`, read: "W/work_pools/pool", to: `{"is_paused":true,"concurrency_limit":3}`},
	{name: "queue", make: "POST W/work_pools/pool/queues/", body: `{"name":"urgent","description":"first","is_paused":false,"concurrency_limit":2,"priority":1}`, read: "W/work_pools/pool/queues/urgent", to: `{"description":"second","priority":3}`},
	{name: "text", make: "POST W/variables/", body: `{"name":"text","value":"plain","tags":[]}`, to: `{"name":"text2","value":{"a":1,"b":["x"]},"tags":["t"]}`},
	{name: "kind", make: "POST W/block_types", body: `{"name":"My Type","slug":"my-type","logo_url":"https://example.com/l.png","documentation_url":"https://example.com/d","description":"mine","code_example":"x"}`, to: `{"description":"ours"}`},
	{name: "schema", make: "POST W/block_schemas", body: `{"block_type_id":"$kind","capabilities":["read"],"version":"1.0.0","fields":{"properties":{"a":{"title":"A","type":"string"}},"title":"My Type","type":"object"}}`},
	{name: "block", make: "POST W/block_documents/", body: `{"name":"mine","data":{"a":"b"},"block_schema_id":"$schema","block_type_id":"$kind"}`, read: "W/block_documents/$block?include_secrets=true", to: `{"block_schema_id":"$schema","data":{"a":"c"},"merge_existing_data":false}`},
	{name: "deployment", make: "POST W/deployments/", body: `{"concurrency_limit":1,"concurrency_options":{"collision_strategy":"ENQUEUE"},"description":"each night","enforce_parameter_schema":true,"entrypoint":"flow.py:etl","flow_id":"$flow","job_variables":{"command":"x"},"name":"nightly","parameter_openapi_schema":{"properties":{"n":{"type":"integer"}},"type":"object"},"parameters":{"n":1},"path":"/srv","paused":false,"pull_steps":[{"prefect.deployments.steps.set_working_directory":{"directory":"/srv"}}],"tags":["x"],"version":"v1","work_pool_name":"pool","work_queue_name":"urgent","storage_document_id":"$block"}`, to: `{"concurrency_limit":5,"concurrency_options":{"collision_strategy":"CANCEL_NEW"},"description":"each day","parameters":{"n":7},"paused":true,"tags":["y"],"work_pool_name":"pool","work_queue_name":"urgent"}`},
	{name: "automation", make: "POST W/automations/", body: `{"name":"again","description":"retry","enabled":true,"trigger":{"type":"event","match":{"prefect.resource.id":"prefect.flow-run.*"},"match_related":{"prefect.resource.id":"prefect.flow.x"},"after":[],"expect":["prefect.flow-run.Failed"],"for_each":["prefect.resource.id"],"posture":"Reactive","threshold":1,"within":60},"actions":[{"type":"run-deployment","source":"selected","deployment_id":"$deployment","parameters":{"n":3},"job_variables":{"command":"y"}}],"actions_on_trigger":[],"actions_on_resolve":[]}`, change: "PUT", to: `{"name":"never","description":"","enabled":false,"trigger":{"type":"metric","match":{},"match_related":{},"metric":{"name":"duration","threshold":6,"operator":">=","range":86400,"firing_for":300}},"actions":[{"type":"cancel-flow-run"}],"actions_on_trigger":[],"actions_on_resolve":[]}`},
	{name: "hook", make: "POST W/webhooks/", body: `{"name":"hook","description":"in","enabled":true,"template":"{\"event\":\"hook.called\",\"resource\":{\"prefect.resource.id\":\"x.y\"}}","service_account_id":"$bot"}`, change: "PUT", to: `{"name":"hook","description":"out","enabled":false,"template":"{\"event\":\"other\",\"resource\":{\"prefect.resource.id\":\"x.y\"}}","service_account_id":"$bot"}`},
	{name: "limit", make: "POST W/v2/concurrency_limits/", body: `{"active":true,"name":"db","limit":3,"active_slots":0,"slot_decay_per_second":0.5}`, to: `{"active":false,"name":"db","limit":8,"active_slots":0,"slot_decay_per_second":0}`},
	{name: "tag", make: "POST W/concurrency_limits/", body: `{"tag":"heavy","concurrency_limit":4}`},
}

// TestWhatIsDeclaredIsFound makes, changes and takes away all that a tool which compares what is
// there with what was written may make, as Terraform's provider does: with the slashes it leaves
// out, its nulls and its lists of everything; what differs it would want to change for ever.
func TestWhatIsDeclaredIsFound(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		w := newTown(t, url)
		key, account := w.first.APIKey, "/accounts/"+w.first.AccountID.String()
		names := []string{"W/", account + "/workspaces/" + w.first.WorkspaceID.String() + "/", "A/", account + "/"}
		full := func(text string) string {
			for i := len(names) - 2; i >= 0; i -= 2 {
				text = strings.ReplaceAll(text, names[i], names[i+1])
			}
			return text
		}
		paths := map[string]string{}
		for _, d := range declaredThings {
			made := w.as(key, full(d.make), full(d.body), http.StatusCreated)
			holds(t, d.name+" as it was made", made, full(d.body))
			id := pick(t, made, "id")
			names = append(names, "$"+d.name, id)
			_, path, _ := strings.Cut(d.make, " ")
			paths[d.name] = full(strings.TrimSuffix(path, "/") + "/" + id)
			if d.read != "" {
				paths[d.name] = full(d.read)
			}
			holds(t, d.name, w.as(key, "GET "+paths[d.name], "", http.StatusOK), full(d.body))
		}
		for _, d := range declaredThings {
			if d.to == "" {
				continue
			}
			path, _, _ := strings.Cut(paths[d.name], "?")
			method := "PATCH "
			if d.change != "" {
				method = d.change + " "
			}
			if status, text, _ := call(t, strings.TrimSpace(method), w.url+path, full(d.to), bearer(key)...); status >= 300 {
				t.Errorf("%s: %d %s", d.name, status, text)
			}
			if d.name == "text" {
				continue // it has another name now; what it holds is read by id below
			}
			holds(t, d.name+" as it was changed", w.as(key, "GET "+paths[d.name], "", http.StatusOK), full(d.to))
		}
		holds(t, "text as it was changed", w.as(key, "GET "+paths["text"], "", http.StatusOK), `{"name":"text2","value":{"a":1,"b":["x"]},"tags":["t"]}`)
		declaredAccess(w, key, full)
		for i := len(declaredThings) - 1; i >= 0; i-- {
			name := declaredThings[i].name
			path, _, _ := strings.Cut(paths[name], "?")
			if status, text, _ := call(t, "DELETE", w.url+path, "", bearer(key)...); status >= 300 {
				t.Errorf("%s: %d %s", name, status, text)
			}
			w.as(key, "GET "+paths[name], "", http.StatusNotFound)
		}
	})
}

// declaredAccess gives and takes what who may have.
func declaredAccess(w *town, key string, full func(string) string) {
	w.t.Helper()
	const all = `{"access_control":{"manage_actor_ids":["*"],"view_actor_ids":["*"],"manage_team_ids":[],"view_team_ids":[]}}`
	runs := strings.Replace(all, `"view_actor`, `"run_actor_ids":["*"],"run_team_ids":[],"view_actor`, 1)
	for path, c := range map[string]struct{ body, everybody string }{
		"W/block_documents/$block/access":  {`{"access_control":{"manage_actor_ids":[],"view_actor_ids":["$bot"],"manage_team_ids":["$team"],"view_team_ids":[]}}`, all},
		"W/work_pools/pool/access":         {`{"access_control":{"manage_actor_ids":[],"run_actor_ids":["$bot"],"view_actor_ids":[],"manage_team_ids":[],"run_team_ids":["$team"],"view_team_ids":[]}}`, runs},
		"W/deployments/$deployment/access": {`{"access_control":{"manage_actor_ids":[],"run_actor_ids":["$bot"],"view_actor_ids":["$bot"],"manage_team_ids":[],"run_team_ids":["$team"],"view_team_ids":[]}}`, runs},
	} {
		w.as(key, "PUT "+full(path), full(c.body), http.StatusNoContent)
		for _, id := range []string{"$bot", "$team"} {
			if text := string(w.as(key, "GET "+full(path), "", http.StatusOK)); !strings.Contains(text, full(id)) {
				w.t.Errorf("%s: %s", path, text)
			}
		}
		w.as(key, "PUT "+full(path), c.everybody, http.StatusNoContent)
	}
	member := full(`[{"member_id":"$bot","member_type":"service_account"}]`)
	w.as(key, "PUT "+full("A/teams/$team/members"), `{"members":`+member+`}`, http.StatusOK)
	w.as(key, "DELETE "+full("A/teams/$team/members/$bot"), "", http.StatusNoContent)
	given := w.as(key, "POST "+full("W/bot_access/"), full(`[{"workspace_role_id":"$role","bot_id":"$bot"}]`), http.StatusOK)
	path := full("W/bot_access/") + pick(w.t, given, "0.id")
	holds(w.t, "access of a service account", w.as(key, "GET "+path, "", http.StatusOK), full(`{"workspace_role_id":"$role","bot_id":"$bot"}`))
	w.as(key, "DELETE "+path, "", http.StatusNoContent)
	w.as(key, "PUT "+full("W/team_access/"), full(`[{"workspace_role_id":"$role","team_id":"$team"}]`), http.StatusOK)
	holds(w.t, "access of a team", w.as(key, "POST "+full("W/team_access/filter"), "", http.StatusOK), full(`[{"workspace_role_id":"$role","team_id":"$team"}]`))
	w.as(key, "DELETE "+full("W/team_access/$team"), "", http.StatusNoContent)
	slas := full("W/slas/apply-resource-slas/prefect.deployment.$deployment")
	w.as(key, "POST "+slas, `[{"name":"short","severity":"high","duration":60}]`, http.StatusOK)
	w.as(key, "POST "+slas, `[]`, http.StatusOK)
	schedules := full("W/deployments/$deployment/schedules")
	for _, schedule := range []string{`{"timezone":"Europe/Berlin","cron":"0 3 * * *"}`, `{"timezone":"UTC","rrule":"FREQ=DAILY;BYHOUR=10"}`, `{"timezone":"UTC","interval":3600,"anchor_date":"2026-01-01T00:00:00Z"}`} {
		made := w.as(key, "POST "+schedules, `[{"active":true,"schedule":`+schedule+`,"parameters":{"n":2}}]`, http.StatusCreated)
		holds(w.t, "schedule", made, `[{"active":true,"schedule":`+schedule+`,"parameters":{"n":2}}]`)
		holds(w.t, "schedule", w.as(key, "GET "+schedules, "", http.StatusOK), `[{"active":true,"schedule":`+schedule+`}]`)
		w.as(key, "DELETE "+schedules+"/"+pick(w.t, made, "0.id"), "", http.StatusNoContent)
	}
}

// holds checks that what was sent is in what was answered: each member of objects as it is, each
// element of lists.
func holds(t *testing.T, name string, answer jsontext.Value, sent string) {
	t.Helper()
	var got, want any
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatalf("%s: %v in %s", name, err, answer)
	}
	if err := json.Unmarshal([]byte(sent), &want); err != nil {
		t.Fatal(err)
	}
	if where := lacks(got, want, ""); where != "" {
		t.Errorf("%s: %s was sent otherwise: %s, answered %s", name, where, sent, answer)
	}
}

// toldOtherwise are members that are not answered as they were sent, in the contract either: how
// to change something, a role that is told by its name, the limit of a deployment, which is in
// global_concurrency_limit, rules of repetition, which get a beginning.
var toldOtherwise = map[string]bool{"merge_existing_data": true, "default_workspace_role_id": true, "account_role_id": true, "concurrency_limit": true, "rrule": true}

// lacks says where got is not what was wanted.
func lacks(got, want any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name, value := range want {
			if toldOtherwise[name] && got != nil {
				continue
			}
			if where := lacks(object[name], value, at+"."+name); where != "" {
				return where
			}
		}
		return ""
	case []any:
		list, _ := got.([]any)
		for _, value := range want {
			found := false
			for _, other := range list {
				found = found || lacks(other, value, at) == ""
			}
			if !found {
				return at + "[]"
			}
		}
		return ""
	}
	if reflect.DeepEqual(got, want) {
		return ""
	}
	return at
}
