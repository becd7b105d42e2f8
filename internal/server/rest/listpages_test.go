package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Lists come in pages that are counted from 1, with how many there are.
func TestListsInPages(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		for _, name := range []string{"a", "b", "c"} {
			must(t, url, "POST /v2/concurrency_limits/", `{"name":"`+name+`","limit":1}`, http.StatusCreated, "")
			must(t, url, "POST /work_pools/", `{"name":"`+name+`","type":"process"}`, http.StatusCreated, "")
			must(t, url, "POST /work_pools/a/queues/", `{"name":"`+name+`"}`, http.StatusCreated, "")
			must(t, url, "POST /work_pools/a/workers/heartbeat", `{"name":"`+name+`"}`, http.StatusNoContent, "")
		}
		for path, want := range map[string]string{
			"/v2/concurrency_limits/paginate": "3", "/work_pools/paginate": "3", "/work_pools/a/queues/paginate": "4", "/work_queues/paginate": "6", "/work_pools/a/workers/paginate": "3",
		} {
			status, answer := ask(t, url, "POST "+path, `{"limit":2,"page":2}`)
			if status != http.StatusOK || pick(t, answer, "count") != want || pick(t, answer, "page") != "2" {
				t.Errorf("%s: %d %s", path, status, answer)
			}
			must(t, url, "POST "+path, `{"page":0}`, http.StatusUnprocessableEntity, "")
		}
		if got := must(t, url, "POST /work_pools/paginate", `{"sort":"NAME_DESC"}`, http.StatusOK, "results.0.name"); got != "c" {
			t.Errorf("the last pool is %s", got)
		}
		if got := must(t, url, "POST /work_pools/paginate", `{"work_pools":{"name":{"like_":"b"}}}`, http.StatusOK, "count"); got != "1" {
			t.Errorf("%s pools are like b", got)
		}
		must(t, url, "PATCH /work_pools/c", `{"is_paused":true}`, http.StatusNoContent, "")
		if got := must(t, url, "POST /work_pools/paginate", `{"work_pools":{"paused":{"eq_":true}}}`, http.StatusOK, "results.0.name"); got != "c" {
			t.Errorf("%s is paused", got)
		}
		worker := must(t, url, "POST /work_pools/a/workers/paginate", `{"sort":"NAME_DESC","workers":{"name":{"any_":["b","a"]}}}`, http.StatusOK, "results.0.id")
		if got := must(t, url, "GET /work_pools/a/workers/"+worker, "", http.StatusOK, "name"); got != "b" {
			t.Errorf("the worker is %s", got)
		}
		must(t, url, "GET /work_pools/b/workers/"+worker, "", http.StatusNotFound, "")
		must(t, url, "POST /work_pools/none/workers/paginate", "", http.StatusNotFound, "")
	})
}

// What is seen of runs: the minimum, their history, how many a pool has, their artifacts,
// lines and events.
func TestViewsOfRuns(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		pool := must(t, url, "POST /work_pools/", `{"name":"p","type":"process"}`, http.StatusCreated, "id")
		deployment := must(t, url, "POST /deployments/", `{"name":"d","flow_id":"`+flow+`","work_pool_name":"p"}`, http.StatusCreated, "id")
		run := must(t, url, "POST /deployments/"+deployment+"/create_flow_run", `{"tags":["red"]}`, http.StatusCreated, "id")
		if got := must(t, url, "POST /flow_runs/filter-minimal", `{"flow_runs":{"flow_id":{"any_":["`+flow+`"]}}}`, http.StatusOK, "0.id"); got != run {
			t.Errorf("the minimum of %s", got)
		}
		if _, got := ask(t, url, "POST /flow_runs/filter-minimal", `{"flow_runs":{"flow_id":{"any_":["`+run+`"]}}}`); string(got) != "[]" {
			t.Errorf("of another flow: %s", got)
		}
		if got := must(t, url, "POST /ui/flow_runs/history-v2", `{"limit":10}`, http.StatusOK, "results.0.deployment"); got != deployment {
			t.Errorf("in history: %s", got)
		}
		if got := must(t, url, "POST /ui/work_pools/count-flow-runs", `{"work_pool_ids":["`+pool+`","`+flow+`"]}`, http.StatusOK, pool); got != "1" {
			t.Errorf("the pool has %s runs", got)
		}
		for _, sort := range []string{"DURATION_DESC", "LATENESS_DESC"} {
			must(t, url, "POST /flow_runs/filter", `{"sort":"`+sort+`"}`, http.StatusOK, "")
		}
		must(t, url, "POST /flows/filter", `{"sort":"UPDATED_ASC"}`, http.StatusOK, "")

		task := must(t, url, "POST /task_runs/", `{"task_key":"k","dynamic_key":"0","flow_run_id":"`+run+`"}`, http.StatusCreated, "id")
		below := must(t, url, "POST /flow_runs/", `{"flow_id":"`+flow+`","parent_task_run_id":"`+task+`"}`, http.StatusCreated, "id")
		for _, of := range []string{`"flow_run_id":"` + run + `"`, `"flow_run_id":"` + run + `","task_run_id":"` + task + `"`, `"flow_run_id":"` + below + `"`} {
			must(t, url, "POST /artifacts/", `{"type":"markdown",`+of+`}`, http.StatusCreated, "")
		}
		for path, want := range map[string]int{
			"/flow_runs/" + run + "/artifacts": 2, "/flow_runs/" + run + "/artifacts?depth=1&sort=asc": 3, "/task_runs/" + task + "/artifacts": 2, "/task_runs/" + task + "/artifacts?depth=0": 1,
			"/flow_runs/" + run + "/artifacts?until=2001-01-01T00:00:00Z": 0,
		} {
			status, answer := ask(t, url, "GET "+path, "")
			got := strings.Count(string(answer), `"type":"markdown"`)
			if strings.HasSuffix(path, "/artifacts") { // no depth is all
				want = map[bool]int{true: 3, false: 2}[strings.HasPrefix(path, "/flow_runs")]
			}
			if status != http.StatusOK || got != want {
				t.Errorf("%s: %d, %d artifacts, not %d", path, status, got, want)
			}
		}
		must(t, url, "GET /flow_runs/"+uuid.NewString()+"/artifacts", "", http.StatusNotFound, "")
		must(t, url, "GET /flow_runs/"+run+"/artifacts?depth=x", "", http.StatusUnprocessableEntity, "")

		must(t, url, "POST /logs/", `[{"name":"one","level":20,"message":"hello","timestamp":"2026-01-01T00:00:00Z","flow_run_id":"`+run+`"},{"name":"two","level":40,"message":"world","timestamp":"2026-01-01T00:00:01Z","flow_run_id":"`+run+`"}]`, http.StatusCreated, "")
		if got := must(t, url, "GET /flow_runs/"+run+"/logs?level_ge=30", "", http.StatusOK, "0.message"); got != "world" {
			t.Errorf("the errors are %s", got)
		}
		if got := must(t, url, "GET /flow_runs/"+run+"/logs?loggers=one&limit=1", "", http.StatusOK, "0.message"); got != "hello" {
			t.Errorf("of one logger: %s", got)
		}
		if got := must(t, url, "GET /flow_runs/"+run+"/logs?sort=TIMESTAMP_DESC", "", http.StatusOK, "0.message"); got != "world" {
			t.Errorf("the last line is %s", got)
		}
		if status, body, _ := call(t, "GET", url+"/flow_runs/"+run+"/logs", "", "If-None-Match", "2"); status != http.StatusNotModified || body != "" {
			t.Errorf("lines that are known: %d %s", status, body)
		}
		if status, body, header := call(t, "GET", url+"/flow_runs/"+run+"/download-logs-csv", ""); status != http.StatusOK || !strings.Contains(body, "hello") || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") {
			t.Errorf("as CSV: %d %s", status, body)
		}
		if got := must(t, url, "GET /flow_runs/"+run+"/events?limit=5", "", http.StatusOK, "events.0.id"); got == "" {
			t.Errorf("no events")
		}
		must(t, url, "GET /flow_runs/"+run+"/events?offset=5001", "", http.StatusUnprocessableEntity, "")
		if got := must(t, url, "GET /logs/ai/flow_run_logs/"+run, "", http.StatusOK, "detail"); got != "disabled" {
			t.Errorf("a summary: %s", got)
		}

		if got := must(t, url, "GET /tags?search=re", "", http.StatusOK, "results.0.name"); got != "red" {
			t.Errorf("the tags: %s", got)
		}
		must(t, url, "DELETE /tags?tag=red", "", http.StatusNoContent, "")
		if got := must(t, url, "GET /tags", "", http.StatusOK, "count"); got != "0" {
			t.Errorf("%s tags after the only one was hidden", got)
		}
		must(t, url, "POST /deployments/"+deployment+"/create_flow_run", `{"tags":["red","blue"]}`, http.StatusCreated, "")
		if got := must(t, url, "GET /tags?sort=NAME_ASC", "", http.StatusOK, "results.1.name"); got != "red" {
			t.Errorf("a tag that is used again: %s", got)
		}
		must(t, url, "GET /tags?sort=COLOUR", "", http.StatusUnprocessableEntity, "")
		must(t, url, "DELETE /tags", "", http.StatusUnprocessableEntity, "")
	})
}

// Pins belong to who made them and go with what is pinned; documents are put by their name.
func TestPinsAndPutBlocks(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		pin := must(t, url, "POST /pins/", `{"resource_type":"flow","resource_id":"`+flow+`"}`, http.StatusCreated, "id")
		if again := must(t, url, "POST /pins/", `{"resource_type":"flow","resource_id":"`+flow+`"}`, http.StatusCreated, "id"); again != pin {
			t.Errorf("pinned twice: %s", again)
		}
		must(t, url, "POST /pins/", `{"resource_type":"flow","resource_id":"`+uuid.NewString()+`"}`, http.StatusNotFound, "")
		must(t, url, "POST /pins/", `{"resource_type":"block","resource_id":"`+flow+`"}`, http.StatusUnprocessableEntity, "")
		if got := must(t, url, "POST /pins/filter", `{"resource_type":["flow","deployment"]}`, http.StatusOK, "0.resource_name"); got != "f" {
			t.Errorf("pinned is %s", got)
		}
		if _, got := ask(t, url, "POST /pins/filter", `{"resource_type":["deployment"]}`); string(got) != "[]" {
			t.Errorf("of another kind: %s", got)
		}
		must(t, url, "DELETE /pins/"+uuid.NewString(), "", http.StatusNotFound, "")
		must(t, url, "DELETE /flows/"+flow, "", http.StatusNoContent, "")
		must(t, url, "DELETE /pins/"+pin, "", http.StatusNotFound, "")

		kind := must(t, url, "GET /block_types/slug/secret", "", http.StatusOK, "id")
		schema := must(t, url, "POST /block_schemas/filter", `{"block_schemas":{"block_type_id":{"any_":["`+kind+`"]}}}`, http.StatusOK, "0.id")
		body := func(value string) string {
			return `{"name":"s","block_type_id":"` + kind + `","block_schema_id":"` + schema + `","data":{"value":"` + value + `"}}`
		}
		first := must(t, url, "PUT /block_documents/", body("one"), http.StatusCreated, "id")
		if again := must(t, url, "PUT /block_documents/", body("two"), http.StatusCreated, "id"); again != first {
			t.Errorf("put twice: %s", again)
		}
		if got := must(t, url, "GET /block_documents/"+first+"?include_secrets=true", "", http.StatusOK, "data.value"); got != "two" {
			t.Errorf("its value is %s", got)
		}

		if got := must(t, url, "POST /work_pools/configuration/preview", `{"type":"process","base_job_template":{"job_configuration":{"command":"{{ command }}"},"variables":{"type":"object","properties":{"command":{"type":"string","default":"ls"}}}}}`, http.StatusOK, "command"); got != "ls" {
			t.Errorf("the job: %s", got)
		}
		must(t, url, "POST /ui/schemas/validate_schema", `{"type":"object"}`, http.StatusOK, "")
		must(t, url, "POST /ui/schemas/validate_schema", `{"type":"colour"}`, http.StatusUnprocessableEntity, "")
		must(t, url, "GET /collections/work_pool_types", "", http.StatusOK, "prefect.process.type")
		must(t, url, "GET /collections/work_pool_types", "", http.StatusOK, "prefect.prefect:managed.default_base_job_configuration.variables.properties.pip_packages")
		must(t, url, "GET /collections/work_pool_types", "", http.StatusOK, "prefect-aws.ecs:push.default_base_job_configuration.variables.properties.aws_credentials")
		if got := must(t, url, "POST /variables/", `{"name":"v","value":"deep blue"}`, http.StatusCreated, "id"); got != must(t, url, "POST /variables/filter", `{"variables":{"value":{"like_":"blue"}}}`, http.StatusOK, "0.id") {
			t.Errorf("the variable is %s", got)
		}
	})
}
