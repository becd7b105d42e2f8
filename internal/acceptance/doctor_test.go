package acceptance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/testkit"
)

// TestDoctorFindsSkewAndTheUnwell changes what a server says of itself on the way, and asks the doctor.
func TestDoctorFindsSkewAndTheUnwell(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	b := &both{env: server.Env(t.TempDir()), dir: t.TempDir(), bin: testkit.Usher(t)}
	b.usher(t, "work-pool", "create", "local", "--type", "process")
	for _, name := range []string{"gone", "gone-too"} {
		b.usher(t, "api", "POST", "/work_pools/local/workers/heartbeat", "--data", `{"name": "`+name+`"}`)
	}
	unmanned := strings.ReplaceAll(b.usher(t, "work-pool", "ls", "-o", "json"), `"READY"`, `"NOT_READY"`)
	for _, c := range []struct {
		name                  string
		version               string
		ahead                 time.Duration
		path, body            string // an answer of one path, instead of the server's
		status                int
		check, grade, message string
		fix                   string
	}{
		{name: "an older server", version: "3.2.1", check: "version", grade: "warning", message: "older than", fix: "upgrade the server"},
		{name: "a server of another kind", version: "2.20.0", check: "version", grade: "error", message: "the server is Prefect 2.20.0", fix: "same major version"},
		{name: "a clock ahead", ahead: time.Hour, check: "clock", grade: "warning", message: "runs look late or early", fix: "timedatectl"},
		{name: "a clock behind", ahead: -time.Hour, check: "clock", grade: "warning", message: "runs look late or early", fix: "timedatectl"},
		{name: "no API", path: "/api/admin/version", body: "<html>", status: 200, check: "api", grade: "error", message: "not as an API does", fix: "PREFECT_API_URL"},
		{name: "no way in", path: "/api/admin/version", body: `{"detail": "Unauthorized"}`, status: 401, check: "auth", grade: "error", message: "does not let you in", fix: "usher login"},
		{name: "no permission", path: "/api/admin/version", body: `{"detail": "Forbidden"}`, status: 403, check: "auth", grade: "error", message: "does not let you in", fix: "usher login"},
		{name: "no database", path: "/api/ready", body: `{"message": "Database is not available"}`, status: 503, check: "database", grade: "error", message: "does not reach its database", fix: "usher server database status"},
		{name: "workers that went away", path: "/api/work_pools/filter", body: unmanned, status: 200, check: "workers", grade: "warning", message: `the workers of work pool "local" are offline (gone`, fix: "usher worker start --pool local"},
	} {
		to, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(to)
		proxy.ModifyResponse = func(r *http.Response) error {
			if c.ahead != 0 {
				r.Header.Set("Date", time.Now().Add(c.ahead).UTC().Format(http.TimeFormat))
			}
			if c.version != "" && r.Request.URL.Path == "/api/admin/version" {
				replace(r, http.StatusOK, strconv.Quote(c.version))
			}
			if r.Request.URL.Path == c.path {
				replace(r, c.status, c.body)
			}
			return nil
		}
		between := httptest.NewServer(proxy)
		asked := &both{env: append(b.env[:len(b.env):len(b.env)], "PREFECT_API_URL="+between.URL+"/api", "USHER_API_URL="+between.URL+"/api", "PREFECT_CLIENT_MAX_RETRIES=0"), dir: b.dir, bin: b.bin}
		out, err := asked.run(t, "doctor", "-o", "json")
		between.Close()
		if (err != nil) != (c.grade == "error") {
			t.Errorf("%s: %v", c.name, err)
		}
		var findings []struct{ Status, Check, Message, Fix string }
		if err := json.Unmarshal([]byte(out), &findings, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, out)
		}
		found := false
		for _, f := range findings {
			found = found || f.Check == c.check && f.Status == c.grade && strings.Contains(f.Message, c.message) && strings.Contains(f.Fix, c.fix)
		}
		if !found {
			t.Errorf("%s: not found in\n%s", c.name, out)
		}
	}
}

func replace(r *http.Response, status int, body string) {
	_ = r.Body.Close() // it is not wanted
	r.StatusCode, r.Status = status, fmt.Sprintf("%d %s", status, http.StatusText(status))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(body))), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}
