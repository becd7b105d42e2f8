package web_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/web"
	"github.com/usherhq/usher/internal/store"
)

// start runs a server with pages as the options say.
func start(t *testing.T, o web.Options, auth string) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	options := server.Options{
		Host: "127.0.0.1", Database: store.Config{URL: "sqlite:///" + filepath.Join(t.TempDir(), "web.db")}, Clock: time.Now, NoServices: true,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Keys: crypt.NewKeeper("", t.TempDir()), Web: o,
	}
	options.Guards.AuthString = auth
	s, err := server.Open(ctx, options)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.URL()
}

func get(t *testing.T, url string, headers ...string) (status int, body string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}

const page = "text/html,*/*"

// bundles writes two small interfaces as the reference builds them.
func bundles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"v1/index.html": `one <script src="/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER/assets/a.js">`, "v1/assets/a.js": "base=/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER/",
		"v2/index.html": `two <script src="/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER/assets/b.js">`, "v2/assets/b.js": "b", "v2/assets/b.js.map": "source", "secret": "s",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPrebuiltInterfacesAreServed(t *testing.T) {
	t.Parallel()
	v1, v2 := web.Find(bundles(t), os.Getenv)
	url := start(t, web.Options{V1: v1, V2: v2}, "")
	for _, c := range []struct {
		path, accept, cookie string
		status               int
		body, location, kind string
	}{
		{path: "/", accept: page, status: 307, location: "/v2/"},
		{path: "/?a=b", accept: page, status: 307, location: "/v2/?a=b"},
		{path: "/", accept: page, cookie: "prefect_ui_version=v1", status: 200, body: `one <script src="/assets/a.js">`, kind: "text/html; charset=utf-8"},
		{path: "/v2", accept: page, status: 307, location: "/v2/"},
		{path: "/v2/", accept: page, status: 200, body: `two <script src="/v2/assets/b.js">`},
		{path: "/v2/runs/flow-run/1", accept: page, status: 200, body: `two <script src="/v2/assets/b.js">`},
		{path: "/runs/flow-run/1", accept: page, status: 200, body: `one <script src="/assets/a.js">`},
		{path: "/assets/a.js", status: 200, body: "base=/", kind: "application/javascript"},
		{path: "/v2/assets/b.js", status: 200, body: "b"},
		{path: "/v2/assets/b.js.map", status: 404},
		{path: "/assets/nope.js", status: 404, body: `{"detail":"Not Found"}`},
		{path: "/../secret", status: 404}, {path: "/%2e%2e/secret", status: 404}, {path: "/v2/../../secret", status: 404},
	} {
		status, body, h := get(t, url+c.path, "Accept", c.accept, "Cookie", c.cookie)
		if status != c.status || c.body != "" && body != c.body || h.Get("Location") != c.location || c.kind != "" && h.Get("Content-Type") != c.kind {
			t.Errorf("%s: %d %q %q %q", c.path, status, body, h.Get("Location"), h.Get("Content-Type"))
		}
	}
	if _, _, h := get(t, url+"/v2/", "Accept", page); strings.TrimSpace(h.Get("Content-Security-Policy")) != "connect-src 'self'" {
		t.Errorf("the page may call others: %q", h.Get("Content-Security-Policy"))
	}
	_, settings, _ := get(t, url+"/ui-settings")
	if want := `{"api_url":"/api","csrf_enabled":false,"auth":null,"flags":[],"default_ui":"v2","available_uis":["v1","v2"],"v1_base_url":"/","v2_base_url":"/v2"}`; settings != want {
		t.Errorf("settings %s, want %s", settings, want)
	}
}

func TestOurPageSaysWhatRunsHere(t *testing.T) {
	t.Parallel()
	url := start(t, web.Options{}, "")
	begin := time.Now()
	status, body, h := get(t, url+"/", "Accept", page)
	if took := time.Since(begin); status != http.StatusOK || took > 5*time.Second {
		t.Errorf("%d after %s", status, took)
	}
	for _, want := range []string{"Ready", url + "/api", "Nothing has run yet", `<html lang="en">`, "prefers-color-scheme: dark"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("policy %q", h.Get("Content-Security-Policy"))
	}
	makeRun(t, url, "<b>run</b>")
	if _, body, _ = get(t, url+"/", "Accept", page); !strings.Contains(body, "&lt;b&gt;run&lt;/b&gt;") || strings.Contains(body, "<b>run") {
		t.Error("the run is not shown, or not escaped")
	}
	var planned struct {
		FlowID string `json:"flow_id"`
	}
	makeRun(t, url, "planned")
	post(t, url+"/api/flow_runs/filter", `{"limit":1}`, &[]any{&planned})
	post(t, url+"/api/flow_runs/", `{"name":"for later","flow_id":"`+planned.FlowID+`","state":{"type":"SCHEDULED","state_details":{"scheduled_time":"2090-01-01T00:00:00Z"}}}`, nil)
	post(t, url+"/api/work_pools/", `{"name":"the pool","type":"process"}`, nil)
	if _, body, _ = get(t, url+"/", "Accept", page); strings.Contains(body, "for later") || !strings.Contains(body, "the pool") || !strings.Contains(body, "No worker") {
		t.Error("the page shows a run that is planned for later, or not the work pool", body)
	}
	const settings = `{"api_url":"/api","csrf_enabled":false,"auth":null,"flags":[],"default_ui":null,"available_uis":[],"v1_base_url":null,"v2_base_url":null}`
	if status, body, _ = get(t, url+"/ui-settings"); status != http.StatusOK || body != settings {
		t.Errorf("settings for an interface that is served elsewhere: %d %s, want %s", status, body, settings)
	}
	if status, _, _ = get(t, url+"/else", "Accept", page); status != http.StatusNotFound {
		t.Errorf("another page: %d", status)
	}
}

func TestOurPageShowsNoRunsToStrangers(t *testing.T) {
	t.Parallel()
	url := start(t, web.Options{}, "me:secret")
	if _, body, _ := get(t, url+"/", "Accept", page); !strings.Contains(body, "wants to know who asks") || strings.Contains(body, "secret") {
		t.Error(body)
	}
}

func makeRun(t *testing.T, url, name string) {
	t.Helper()
	var flow struct{ ID string }
	post(t, url+"/api/flows/", `{"name":"f"}`, &flow)
	post(t, url+"/api/flow_runs/", `{"name":"`+name+`","flow_id":"`+flow.ID+`"}`, nil)
}

func post(t *testing.T, url, body string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode > 299 {
		t.Fatalf("%s: %s", url, res.Status)
	}
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInterfacesSendStrangersToSignIn: a browser that nobody is signed in with goes to the
// sign-in page and comes back; files and programs do not.
func TestInterfacesSendStrangersToSignIn(t *testing.T) {
	t.Parallel()
	v1, v2 := web.Find(bundles(t), os.Getenv)
	url := start(t, web.Options{V1: v1, V2: v2, SignedIn: func(r *http.Request) bool { return r.Header.Get("Cookie") == "session=good" }}, "")
	for _, c := range []struct {
		path, accept, cookie string
		status               int
		location             string
	}{
		{"/v2/runs?a=b&c=d", page, "", 303, "/auth/login?next=%2Fv2%2Fruns%3Fa%3Db%26c%3Dd"},
		{"/", page, "session=bad", 303, "/auth/login?next=%2F"},
		{"/v2/runs", page, "session=good", 200, ""},
		{"/assets/a.js", "", "", 200, ""},
		{"/v2/runs", "application/json", "", 404, ""},
	} {
		status, body, h := get(t, url+c.path, "Accept", c.accept, "Cookie", c.cookie)
		if status != c.status || h.Get("Location") != c.location {
			t.Errorf("%s: %d %q %q", c.path, status, body, h.Get("Location"))
		}
	}
}
