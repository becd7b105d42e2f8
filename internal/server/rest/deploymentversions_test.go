package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store/storetest"
)

// Each deploy that tells where it comes from makes a version; an older one can be promoted,
// run and deleted.
func TestDeploymentVersions(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		plain := url
		url += "/accounts/" + uuid.Nil.String() + "/workspaces/" + core.DefaultWorkspace.String() // where every run tells its version
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		must(t, url, "POST /work_pools/", `{"name":"p","type":"process"}`, http.StatusCreated, "")
		deploy := func(entrypoint, commit string) string {
			body := `{"name":"d","flow_id":"` + flow + `","work_pool_name":"p","entrypoint":"` + entrypoint + `","parameters":{"commit":"` + commit +
				`"},"version":"` + commit + `","version_info":{"type":"vcs:git","version":"` + commit + `","branch":"main","url":"https://example.com/r"},"enforce_parameter_schema":false}`
			status, answer := ask(t, url, "POST /deployments/", body)
			if status != http.StatusCreated && status != http.StatusOK {
				t.Fatalf("%d %s", status, answer)
			}
			return pick(t, answer, "id")
		}
		id := deploy("a.py:f", "aaaaaaaa")
		at := "/deployments/" + id
		first := must(t, url, "GET "+at, "", http.StatusOK, "version_id")
		deploy("a.py:f", "aaaaaaaa")
		if again := must(t, url, "GET "+at, "", http.StatusOK, "version_id"); again != first {
			t.Errorf("the same deploy made a new version %s", again)
		}
		deploy("b.py:f", "bbbbbbbb")
		second := must(t, url, "GET "+at, "", http.StatusOK, "version_id")
		if got := must(t, url, "GET "+at, "", http.StatusOK, "version_info.url"); got != "https://example.com/r" {
			t.Errorf("the source is %s", got)
		}
		if n := must(t, url, "POST "+at+"/versions/paginate", `{"limit":1}`, http.StatusOK, "count"); n != "2" || first == second {
			t.Errorf("%s versions", n)
		}
		if got := must(t, url, "POST "+at+"/versions/paginate", `{"limit":1,"page":2}`, http.StatusOK, "results.0.id"); got != first {
			t.Errorf("the second page begins with %s", got)
		}
		if got := must(t, url, "GET "+at+"/versions/"+first, "", http.StatusOK, "entrypoint"); got != "a.py:f" {
			t.Errorf("the first version's entrypoint is %s", got)
		}
		must(t, url, "GET "+at+"/versions/"+uuid.NewString(), "", http.StatusNotFound, "")
		must(t, url, "POST "+at+"/versions/paginate", `{"colour":1,"page":0}`, http.StatusUnprocessableEntity, "")
		if got := must(t, url, "GET /deployments/name/f/d", "", http.StatusOK, "id"); got != id {
			t.Errorf("by name it is %s", got)
		}

		run := must(t, url, "POST "+at+"/create_flow_run", `{"deployment_version_id":"`+first+`"}`, http.StatusCreated, "id")
		if got := must(t, url, "GET /flow_runs/"+run, "", http.StatusOK, "parameters.commit"); got != "aaaaaaaa" {
			t.Errorf("the run has the parameters of %s", got)
		}
		if got := must(t, url, "GET /flow_runs/"+run, "", http.StatusOK, "deployment_version_info.branch"); got != "main" {
			t.Errorf("the run is of branch %s", got)
		}
		if got := must(t, url, "POST "+at+"/create_flow_run", `{}`, http.StatusCreated, "deployment_version_id"); got != second {
			t.Errorf("a run is of version %s, not the present one", got)
		}
		must(t, url, "POST "+at+"/create_flow_run", `{"deployment_version_id":"`+uuid.NewString()+`"}`, http.StatusNotFound, "")
		for _, of := range []string{"GET " + at, "POST " + at + "/create_flow_run"} {
			if _, answer := ask(t, plain, of, ``); strings.Contains(string(answer), "version_i") {
				t.Errorf("%s tells clients of the self-hosted contract of versions: %s", of, answer)
			}
		}

		must(t, url, "DELETE "+at+"/versions/"+second, "", http.StatusConflict, "")
		if _, answer := ask(t, url, "POST "+at+"/versions/"+first+"/promote", `{"reason":"b is broken"}`); string(answer) != "true" {
			t.Errorf("promoted: %s", answer)
		}
		if _, answer := ask(t, url, "POST "+at+"/versions/"+first+"/promote", ``); string(answer) != "false" {
			t.Errorf("promoted again: %s", answer)
		}
		for path, want := range map[string]string{"version_id": first, "entrypoint": "a.py:f", "version": "aaaaaaaa", "work_pool_name": "p"} {
			if got := must(t, url, "GET "+at, "", http.StatusOK, path); got != want {
				t.Errorf("%s is %s, not %s", path, got, want)
			}
		}
		must(t, url, "DELETE "+at+"/versions/"+second, "", http.StatusNoContent, "")
		must(t, url, "GET "+at+"/versions/"+second, "", http.StatusNotFound, "")
		must(t, url, "PATCH "+at, `{"version_info":{"type":"prefect:simple","version":"3"}}`, http.StatusNoContent, "")
		if n := must(t, url, "POST "+at+"/versions/paginate", ``, http.StatusOK, "count"); n != "2" {
			t.Errorf("%s versions after an update", n)
		}
		must(t, url, "DELETE "+at, "", http.StatusNoContent, "")
		must(t, url, "POST "+at+"/versions/paginate", ``, http.StatusNotFound, "")
	})
}

// A branch begins as a copy; its schedules are kept, left out or switched off.
func TestBranchingADeployment(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		base := must(t, url, "POST /deployments/", `{"name":"d","flow_id":"`+flow+`","tags":["t"],"concurrency_limit":2,"schedules":[{"schedule":{"interval":3600},"slug":"s"}]}`, http.StatusCreated, "id")
		at := "/deployments/" + base + "/branch"
		status, kept := ask(t, url, "POST "+at, `{"branch":"feature/x","options":{"schedule_handling":"inactive"},"overrides":{"tags":["u"]}}`)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, kept)
		}
		for path, want := range map[string]string{
			"name": "d-feature-x", "branch": "feature/x", "base": base, "root": base, "schedules.0.active": "false", "tags.0": "u", "global_concurrency_limit.limit": "2",
		} {
			if got := pick(t, kept, path); got != want {
				t.Errorf("%s is %s, not %s", path, got, want)
			}
		}
		must(t, url, "POST "+at, `{"branch":"feature/x"}`, http.StatusConflict, "")
		must(t, url, "POST "+at, `{"branch":"y","colour":"red"}`, http.StatusUnprocessableEntity, "")
		must(t, url, "POST /deployments/"+uuid.NewString()+"/branch", `{"branch":"y"}`, http.StatusNotFound, "")
		if got := must(t, url, "POST /deployments/"+pick(t, kept, "id")+"/branch", `{"branch":"z"}`, http.StatusOK, "root"); got != base {
			t.Errorf("the root of a branch of a branch is %s", got)
		}
		if got := must(t, url, "POST "+at, `{"branch":"keep","options":{"schedule_handling":"keep"}}`, http.StatusOK, "schedules.0.active"); got != "true" {
			t.Errorf("a kept schedule: %s", got)
		}
	})
}

// Nobody makes runs of a disabled deployment.
func TestDisablingADeployment(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		id := must(t, url, "POST /deployments/", `{"name":"d","flow_id":"`+flow+`","schedules":[{"schedule":{"interval":60}}]}`, http.StatusCreated, "id")
		at := "/deployments/" + id
		must(t, url, "POST "+at+"/disable", "", http.StatusOK, "")
		if got := must(t, url, "GET "+at, "", http.StatusOK, "status"); got != "DISABLED" {
			t.Errorf("its status is %s", got)
		}
		status, answer := ask(t, url, "POST "+at+"/create_flow_run", `{}`)
		if status != http.StatusConflict || !strings.Contains(string(answer), "is disabled") {
			t.Errorf("a run of it: %d %s", status, answer)
		}
		must(t, url, "POST /flow_runs/", `{"flow_id":"`+flow+`","deployment_id":"`+id+`"}`, http.StatusConflict, "")
		must(t, url, "POST "+at+"/schedule", `{}`, http.StatusOK, "")
		if _, n := ask(t, url, "POST /flow_runs/count", `{}`); string(n) != "0" {
			t.Errorf("%s runs of a disabled deployment", n)
		}
		must(t, url, "POST "+at+"/enable", "", http.StatusOK, "")
		if _, answer := ask(t, url, "GET "+at, ""); strings.Contains(string(answer), "disabled") || strings.Contains(string(answer), "DISABLED") {
			t.Errorf("enabled again: %s", answer)
		}
		must(t, url, "POST "+at+"/create_flow_run", `{}`, http.StatusCreated, "")
		must(t, url, "POST "+at+"/set_schedule_inactive", "", http.StatusOK, "")
		if got := must(t, url, "GET "+at, "", http.StatusOK, "paused"); got != "true" {
			t.Errorf("paused: %s", got)
		}
		must(t, url, "POST "+at+"/set_schedule_active", "", http.StatusOK, "")
		must(t, url, "POST /deployments/"+uuid.NewString()+"/disable", "", http.StatusNotFound, "")
	})
}

// The program of a run sees its deployment as it was in the version that the run is of, and
// versions stay in their workspace.
func TestARunSeesItsVersion(t *testing.T) {
	t.Parallel()
	w, account, main := hub(t, storetest.SQLiteURL(t))
	owner := w.first.APIKey
	flow := pick(t, w.as(owner, "POST "+main+"/flows/", `{"name":"f"}`, http.StatusCreated), "id")
	body := func(entrypoint string) string {
		return `{"name":"d","flow_id":"` + flow + `","entrypoint":"` + entrypoint + `","version_info":{"type":"prefect:simple","version":"` + entrypoint + `"}}`
	}
	at := main + "/deployments/" + pick(t, w.as(owner, "POST "+main+"/deployments/", body("a"), http.StatusCreated), "id")
	first := pick(t, w.as(owner, "GET "+at, "", http.StatusOK), "version_id")
	w.as(owner, "POST "+main+"/deployments/", body("b"), http.StatusOK)
	run := pick(t, w.as(owner, "POST "+at+"/create_flow_run", `{"deployment_version_id":"`+first+`","state":{"type":"RUNNING"}}`, http.StatusCreated), "id")
	token := pick(t, w.as(owner, "POST "+main+"/flow_runs/"+run+"/token", `{}`, http.StatusCreated), "token")
	if got := pick(t, w.as(token, "GET "+at, "", http.StatusOK), "entrypoint"); got != "a" {
		t.Errorf("the run sees %s", got)
	}
	if got := pick(t, w.as(owner, "GET "+at, "", http.StatusOK), "entrypoint"); got != "b" {
		t.Errorf("others see %s", got)
	}
	side := account + "/workspaces/" + w.side.ID.String()
	w.as(owner, "GET "+side+strings.TrimPrefix(at, main)+"/versions/"+first, "", http.StatusNotFound)
	w.as(owner, "POST "+side+strings.TrimPrefix(at, main)+"/versions/"+first+"/promote", "", http.StatusNotFound)
	viewer := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.ViewerID)
	w.as(viewer, "POST "+at+"/versions/paginate", "{}", http.StatusOK)
	w.as(viewer, "POST "+at+"/versions/"+first+"/promote", "", http.StatusForbidden)
}
