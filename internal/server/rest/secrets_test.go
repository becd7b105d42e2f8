package rest_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// Whoever reads the secret of a block is in the audit log, and who is shown asterisks, or
// what holds no secret, is not.
func TestReadingASecretIsWrittenDown(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, main := hub(t, database)
		owner := w.first.APIKey
		viewer := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.ViewerID)
		worker := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
		block := w.secret(owner, main, "the canary")
		reads := func() int {
			log := string(w.as(owner, "GET "+account+"/audit", "", http.StatusOK))
			if strings.Contains(log, "the canary") {
				t.Error("the audit log has the secret")
			}
			return strings.Count(log, `"prefect-cloud.block-document.secrets-read"`)
		}
		path := main + "/block_documents/" + block
		w.as(owner, "GET "+path, "", http.StatusOK)
		w.as(owner, "POST "+main+"/block_documents/filter", `{}`, http.StatusOK)
		if got := string(w.as(viewer, "GET "+path+"?include_secrets=true", "", http.StatusOK)); strings.Contains(got, "the canary") {
			t.Errorf("a viewer sees the secret: %s", got)
		}
		if n := reads(); n != 0 {
			t.Errorf("%d entries about asterisks", n)
		}
		name := pick(t, w.as(owner, "GET "+path, "", http.StatusOK), "name")
		for i, ask := range []string{
			"GET " + path + "?include_secrets=true", "GET " + main + "/block_types/slug/secret/block_documents/name/" + name + "?include_secrets=true",
			"GET " + main + "/block_types/slug/secret/block_documents?include_secrets=true",
		} {
			if got := string(w.as(owner, ask, "", http.StatusOK)); !strings.Contains(got, "the canary") {
				t.Errorf("%s: %s", ask, got)
			}
			if n := reads(); n != i+1 {
				t.Errorf("%s: %d entries", ask, n)
			}
		}
		if got := string(w.as(owner, "POST "+main+"/block_documents/filter", `{"include_secrets":true}`, http.StatusOK)); !strings.Contains(got, "the canary") || reads() != 4 {
			t.Errorf("a filter: %d entries", reads())
		}
		_, run, token := w.ownRun(worker)
		w.as(token, "GET "+path+"?include_secrets=true", "", http.StatusOK)
		log := string(w.as(owner, "GET "+account+"/audit", "", http.StatusOK))
		if reads() != 5 || !strings.Contains(log, `"flow_run_id":"`+run+`"`) {
			t.Error("the read of a run does not name the run")
		}
		if got := string(w.as(owner, "GET "+account+"/audit/verify", "", http.StatusOK)); !strings.Contains(got, `"intact":true`) {
			t.Error(got)
		}
	})
}

// A server that keeps no credentials refuses blocks with secrets, and takes those
// without.
func TestCredentialsAreRefusedWhereNoneAreWanted(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServerIn(t, t.TempDir(), "USHER_BLOCKS_ALLOW_CREDENTIALS=false")
	root := server.URL + "/api"
	ask := func(method, path, body string, status int) []byte {
		t.Helper()
		got, text, _ := call(t, method, root+path, body)
		if got != status {
			t.Fatalf("%s %s: %d %s", method, path, got, text)
		}
		return []byte(text)
	}
	save := func(slug, data string, status int) []byte {
		t.Helper()
		kind := pick(t, ask("GET", "/block_types/slug/"+slug, "", 200), "id")
		schema := pick(t, ask("POST", "/block_schemas/filter", `{"block_schemas":{"block_type_id":{"any_":["`+kind+`"]}}}`, 200), "0.id")
		return ask("POST", "/block_documents/", `{"name":"b-`+uuid.NewString()[:8]+`","block_type_id":"`+kind+`","block_schema_id":"`+schema+`","data":`+data+`}`, status)
	}
	if got := save("secret", `{"value":"the canary"}`, http.StatusForbidden); !strings.Contains(string(got), "keeps no credentials") || strings.Contains(string(got), "the canary") {
		t.Errorf("%s", got)
	}
	save("webhook", `{"method":"POST","url":"https://example.com/the-canary"}`, http.StatusForbidden)
	plain := pick(t, save("local-file-system", `{"basepath":"/tmp"}`, http.StatusCreated), "id")
	ask("PATCH", "/block_documents/"+plain, `{"data":{"basepath":"/srv"}}`, http.StatusNoContent)
	empty := pick(t, save("webhook", `{"method":"POST"}`, http.StatusCreated), "id")
	ask("PATCH", "/block_documents/"+empty, `{"data":{"url":"https://example.com/the canary"}}`, http.StatusForbidden)
	server.Stop()
	err := filepath.WalkDir(server.Home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), "the canary") {
			t.Errorf("a refused secret is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
