// Package browser drives web interfaces on our server in a real Chromium.
package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

// page is a page of the reference's interface and a text that it shows once it has
// loaded what it is about.
type page struct{ path, text string }

// TestReferenceInterface opens the pages of both versions of the reference's own web
// interface, each by its address, and sees what they are about: without an error on the
// console and without a request that is refused.
func TestReferenceInterface(t *testing.T) {
	t.Parallel()
	s := testkit.UsherServer(t, "--ui-dir", referenceInterface(t))
	it := furnish(t, s)
	pages := []page{
		{"/dashboard", "Flow Runs"}, {"/runs", it.run.name}, {"/flows", "furnished"}, {"/deployments", "nightly"}, {"/work-pools", "furnished-pool"},
		{"/blocks", "furnished-block"}, {"/blocks/catalog", "Slack"}, {"/blocks/catalog/secret", "Secret"}, {"/blocks/catalog/secret/create", "Value"},
		{"/variables", "furnished_variable"}, {"/automations", "furnished automation"}, {"/automations/create", "Trigger"}, {"/events", "furnished.thing"},
		{"/concurrency-limits", "furnished-limit"}, {"/settings", "Theme"}, {"/artifacts", "furnished-artifact"},
		{"/runs/flow-run/" + it.run.id, it.run.name}, {"/flows/flow/" + it.flow, "furnished"}, {"/deployments/deployment/" + it.deployment, "nightly"},
		{"/runs/task-run/" + it.task, "furnished-task"}, {"/work-pools/work-pool/furnished-pool", "furnished-pool"}, {"/work-pools/work-pool/furnished-pool/queue/default", "default"},
		{"/blocks/block/" + it.block, "furnished-block"}, {"/automations/automation/" + it.automation, "furnished automation"},
		{"/artifacts/key/furnished-artifact", "furnished-artifact"}, {"/artifacts/artifact/" + it.artifact, "furnished text"},
		{"/events/event/" + it.event.day + "/" + it.event.id, "furnished.happened"},
	}
	for _, base := range []string{"", "/v2"} {
		t.Run("version"+strings.ReplaceAll(base, "/", " "), func(t *testing.T) {
			b := testkit.StartBrowser(t, 1400, false)
			b.Watch()
			for _, p := range pages {
				b.Open(s.URL + base + p.path)
				b.See(p.text)
				for _, problem := range b.Problems(s.URL) {
					t.Errorf("%s%s: %s", base, p.path, problem)
				}
				b.Screenshot("reference" + strings.ReplaceAll(base+p.path, "/", "_"))
			}
		})
	}
}

// referenceInterface is the folder with the reference's own web interface.
func referenceInterface(t *testing.T) string {
	t.Helper()
	py := testkit.Reference(t)
	found, err := filepath.Glob(filepath.Join(py.Dir, "lib", "python*", "site-packages", "prefect", "server"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the reference's interface is at %q (%v)", found, err)
	}
	return found[0]
}

// TestRootPage looks at our own root page, on a desk and on a phone, in a light and in a dark
// theme.
func TestRootPage(t *testing.T) {
	t.Parallel()
	s := testkit.UsherServer(t, "--ui-dir", t.TempDir())
	it := furnish(t, s)
	for _, width := range []int{1200, 390} {
		for name, dark := range map[string]bool{"light": false, "dark": true} {
			b := testkit.StartBrowser(t, width, dark)
			b.Watch()
			b.Open(s.URL + "/")
			b.See(it.run.name)
			b.See("furnished-pool")
			for _, problem := range b.Problems(s.URL) {
				t.Error(problem)
			}
			var background string
			b.Script("return getComputedStyle(document.body).backgroundColor", &background)
			var red, green, blue int
			if _, err := fmt.Sscanf(background, "rgb(%d, %d, %d)", &red, &green, &blue); err != nil || (red+green+blue < 3*128) != dark {
				t.Errorf("in a %s theme the background is %s", name, background)
			}
			var beyond int
			if b.Script("return document.documentElement.scrollWidth - document.documentElement.clientWidth", &beyond); beyond > 0 {
				t.Errorf("at a width of %d the page is %d too wide", width, beyond)
			}
			b.Screenshot(fmt.Sprintf("root_%s_%d", name, width))
		}
	}
}

// things are what a server was furnished with.
type things struct {
	flow, deployment, block, automation, artifact, task string
	run                                                 struct{ id, name string }
	event                                               struct{ id, day string }
}

func furnish(t *testing.T, s *testkit.Server) (it things) {
	t.Helper()
	make := func(path string, body any) string {
		var made struct {
			ID string `json:"id"`
		}
		call(t, s, http.MethodPost, path, body, &made)
		return made.ID
	}
	it.flow = make("/flows/", object{"name": "furnished"})
	make("/work_pools/", object{"name": "furnished-pool", "type": "process"})
	it.deployment = make("/deployments/", object{"name": "nightly", "flow_id": it.flow, "work_pool_name": "furnished-pool", "entrypoint": "f.py:f", "parameter_openapi_schema": object{"type": "object", "properties": object{"who": object{"type": "string", "title": "who", "position": 0, "default": "you"}}}, "schedules": []object{{"schedule": object{"interval": 86400}, "active": false}}})
	it.run.name = "furnished-run"
	it.run.id = make("/flow_runs/", object{"name": it.run.name, "flow_id": it.flow, "deployment_id": it.deployment, "state": object{"type": "PENDING"}})
	for _, state := range []string{"RUNNING", "COMPLETED"} {
		call(t, s, http.MethodPost, "/flow_runs/"+it.run.id+"/set_state", object{"state": object{"type": state}}, nil)
	}
	it.task = make("/task_runs/", object{"flow_run_id": it.run.id, "task_key": "furnished", "dynamic_key": "0", "name": "furnished-task"})
	now := time.Now().UTC()
	call(t, s, http.MethodPost, "/logs/", []object{{"name": "n", "level": 20, "message": "furnished line", "timestamp": now, "flow_run_id": it.run.id}}, nil)
	it.artifact = make("/artifacts/", object{"key": "furnished-artifact", "type": "markdown", "data": "furnished text", "flow_run_id": it.run.id, "task_run_id": it.task})
	make("/variables/", object{"name": "furnished_variable", "value": "v"})
	make("/v2/concurrency_limits/", object{"name": "furnished-limit", "limit": 2})
	make("/concurrency_limits/", object{"tag": "furnished-tag", "concurrency_limit": 2})
	it.automation = make("/automations/", object{
		"name": "furnished automation", "actions": []object{{"type": "do-nothing"}},
		"trigger": object{"type": "event", "posture": "Reactive", "expect": []string{"furnished.happened"}, "threshold": 1, "within": 0},
	})
	var secret struct {
		ID string `json:"id"`
	}
	call(t, s, http.MethodGet, "/block_types/slug/secret", nil, &secret)
	var schemas []struct {
		ID string `json:"id"`
	}
	call(t, s, http.MethodPost, "/block_schemas/filter", object{"block_schemas": object{"block_type_id": object{"any_": []string{secret.ID}}}}, &schemas)
	it.block = make("/block_documents/", object{"name": "furnished-block", "block_type_id": secret.ID, "block_schema_id": schemas[0].ID, "data": object{"value": "hidden"}})
	occurred := now.Add(-2 * time.Minute) // version 2 shows what is older than the minute that it was opened in
	it.event.id, it.event.day = "0199d1c0-0000-7000-8000-00000000000a", occurred.Format(time.DateOnly)
	call(t, s, http.MethodPost, "/events", []object{{"id": it.event.id, "occurred": occurred, "event": "furnished.happened", "resource": object{"prefect.resource.id": "furnished.thing"}}}, nil)
	return it
}

func call(t *testing.T, s *testkit.Server, method, path string, body, into any) {
	t.Helper()
	if err := try(t, s, method, path, body, into); err != nil {
		t.Fatal(err)
	}
}

func try(t *testing.T, s *testkit.Server, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.APIURL()+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s answers %s: %s", method, path, res.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
