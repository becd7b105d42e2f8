package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store/storetest"
)

// The program of a run gets the blocks and variables that its deployment lists, and no others;
// without a list it gets all. Who works with a key of their own is not bound.
func TestARunUsesWhatItsDeploymentLists(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, _, main := hub(t, database)
		owner := w.first.APIKey
		worker := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
		viewer := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.ViewerID)
		mine, other := w.secret(owner, main, "mine"), w.secret(owner, main, "the canary")
		name := func(block string) string {
			return pick(t, w.as(owner, "GET "+main+"/block_documents/"+block, "", 200), "name")
		}
		byName := func(block string) string {
			return main + "/block_types/slug/secret/block_documents/name/" + name(block)
		}
		for _, variable := range []string{"mine", "other"} {
			w.as(owner, "POST "+main+"/variables/", `{"name":"`+variable+`","value":"v"}`, http.StatusCreated)
		}
		flow := pick(t, w.as(owner, "POST "+main+"/flows/", `{"name":"f"}`, http.StatusCreated), "id")
		deployment := pick(t, w.as(owner, "POST "+main+"/deployments/", `{"name":"d","flow_id":"`+flow+`"}`, http.StatusCreated), "id")
		run := pick(t, w.as(worker, "POST "+main+"/deployments/"+deployment+"/create_flow_run", `{"state":{"type":"RUNNING"}}`, http.StatusCreated), "id")
		token := pick(t, w.as(worker, "POST "+main+"/flow_runs/"+run+"/token", `{}`, http.StatusCreated), "token")
		at := "PUT " + main + "/deployments/" + deployment + "/run_access"

		reads := func(mineMay, otherMay int) {
			t.Helper()
			for block, status := range map[string]int{mine: mineMay, other: otherMay} {
				for _, path := range []string{main + "/block_documents/" + block, byName(block)} {
					if got := string(w.as(token, "GET "+path+"?include_secrets=true", "", status)); status != 200 && strings.Contains(got, "the canary") {
						t.Error(got)
					}
				}
			}
			w.as(token, "GET "+main+"/variables/name/mine", "", mineMay)
			w.as(token, "GET "+main+"/variables/name/other", "", otherMay)
		}
		reads(200, 200)
		w.as(viewer, at, `{"blocks":[]}`, http.StatusForbidden)
		w.as(token, at, `{}`, http.StatusForbidden)
		w.as(owner, at, `{"blocks":["no-slash"]}`, http.StatusUnprocessableEntity)
		w.as(owner, at, `{"variables":["Not a name"]}`, http.StatusUnprocessableEntity)
		w.as(owner, "PUT "+main+"/deployments/"+flow+"/run_access", `{}`, http.StatusNotFound)
		w.as(owner, at, `{"blocks":["secret/`+name(mine)+`"],"variables":["mine"]}`, http.StatusOK)
		reads(200, 403)
		w.as(token, "PATCH "+main+"/variables/name/other", `{"value":"x"}`, http.StatusForbidden)
		w.as(token, "PATCH "+main+"/variables/name/mine", `{"name":"new_name"}`, http.StatusForbidden)
		w.as(token, "POST "+main+"/variables/", `{"name":"third","value":"x"}`, http.StatusForbidden)
		w.as(token, "PATCH "+main+"/variables/name/mine", `{"value":"x"}`, http.StatusNoContent)
		w.as(worker, "GET "+main+"/variables/name/other", "", http.StatusOK)
		w.as(owner, at, `{"blocks":[],"variables":[]}`, http.StatusOK)
		reads(403, 403)
		if got := string(w.as(owner, "GET "+strings.TrimPrefix(at, "PUT "), "", http.StatusOK)); got != `{"blocks":[],"variables":[]}` {
			t.Error(got)
		}
		w.as(owner, at, `{}`, http.StatusOK)
		reads(200, 200)
		w.as(owner, at, `{}`, http.StatusOK) // changes nothing
		log := string(w.as(owner, "POST /accounts/"+w.first.AccountID.String()+"/events/filter", `{"filter":{"event":{"name":["prefect-cloud.deployment.run-access-updated"]},"order":"ASC"}}`, http.StatusOK))
		for _, want := range []string{`"total":3`, `"prefect-cloud.deployment.` + deployment + `"`, `"variables":[null,["mine"]]`, `"variables":[["mine"],[]]`, `"variables":[[],null]`, `prefect-cloud.workspace.` + w.first.WorkspaceID.String()} {
			if !strings.Contains(log, want) {
				t.Errorf("the audit log has no %s: %s", want, log)
			}
		}

		// The tokens of a run are listed without their secrets, and ended.
		tokens := "GET " + main + "/flow_runs/" + run + "/token"
		if got := string(w.as(viewer, tokens, "", http.StatusOK)); strings.Count(got, `"flow_run_id":"`+run+`"`) != 1 || strings.Contains(got, token) {
			t.Errorf("the tokens: %s", got)
		}
		w.as(token, tokens, "", http.StatusForbidden)
		w.as(owner, "DELETE "+main+"/flow_runs/"+run+"/token", "", http.StatusOK)
		if got := string(w.as(owner, tokens, "", http.StatusOK)); got != "[]" {
			t.Errorf("the tokens: %s", got)
		}
		w.as(token, "GET "+main+"/variables/name/mine", "", http.StatusUnauthorized)
		w.as(owner, "DELETE "+main+"/deployments/"+deployment, "", http.StatusNoContent)
	})
}
