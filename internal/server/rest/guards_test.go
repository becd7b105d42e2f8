package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/rest"
)

func startGuarded(t *testing.T, change func(*server.Options)) (url string) {
	t.Helper()
	return startServerWith(t, "sqlite:///"+filepath.Join(t.TempDir(), "guarded.db"), change)
}

// call asks with headers and gives the status, the body and the answer's headers.
func call(t *testing.T, method, url, body string, headers ...string) (status int, text string, answer http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
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
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw), res.Header
}

const (
	authString = "admin:pass"
	goodBasic  = "Basic YWRtaW46cGFzcw=="
)

func TestNoRouteIsOpenWithoutCredentials(t *testing.T) {
	t.Parallel()
	url := startGuarded(t, func(o *server.Options) { o.Guards.AuthString = authString })
	const id = "11111111-1111-4111-8111-111111111111"
	paths := map[string]bool{"GET /nothing/health": true, "GET /nothing": true, "POST /health": true, "GET /variables/name/health": true, "GET /flows/" + id + "/ready": true}
	for _, op := range api.Operations() {
		path := op.Path
		for strings.Contains(path, "{") {
			start, end := strings.Index(path, "{"), strings.Index(path, "}")
			path = path[:start] + "health" + path[end+1:]
		}
		paths[op.Method+" "+path] = true
	}
	for route := range paths {
		method, path, _ := strings.Cut(route, " ")
		isOpen := route == "GET /health" || route == "GET /ready"
		for _, credentials := range []string{"", "Basic", "Basic !!!", "Basic YWRtaW46d3Jvbmc=", "Bearer admin:pass", "YWRtaW46cGFzcw=="} {
			status, body, _ := call(t, method, url+path, "{}", "Authorization", credentials)
			if isOpen != (status == http.StatusOK) || !isOpen && (status != http.StatusUnauthorized || body != `{"exception_message":"Unauthorized"}`) {
				t.Errorf("%s with %q: %d %s", route, credentials, status, body)
			}
		}
	}
	if status, body, _ := call(t, "GET", url+"/admin/version", "", "Authorization", goodBasic); status != http.StatusOK {
		t.Errorf("with good credentials: %d %s", status, body)
	}
}

func TestNoSocketIsOpenWithoutCredentials(t *testing.T) {
	t.Parallel()
	url := startGuarded(t, func(o *server.Options) { o.Guards.AuthString = authString })
	for _, path := range []string{"/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled", "/work_pools/x/workers/connect"} {
		if _, res, err := websocket.Dial(t.Context(), url+path, nil); err == nil || res == nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("%s without the subprotocol: %v", path, err)
		}
		for hello, want := range map[string]string{
			`{"type":"auth"}`: "Auth required but no token provided", `{"type":"auth","token":null}`: "Auth required but no token provided",
			`{"type":"auth","token":"wrong"}`: "Invalid token", `{"type":"filter"}`: "Expected 'auth' message", `nonsense`: "Expected 'auth' message",
		} {
			if reason := greet(t, url+path, hello); reason != want {
				t.Errorf("%s with %s: %q, want %q", path, hello, reason, want)
			}
		}
		if reason := greet(t, url+path, `{"type":"auth","token":"admin:pass"}`); reason != `{"type":"auth_success"}` {
			t.Errorf("%s with good credentials: %q", path, reason)
		}
	}
}

// greet opens a socket with a first frame, and gives the answer or why it was closed with 1008.
func greet(t *testing.T, url, hello string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{"prefect"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageText, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	_, frame, err := conn.Read(ctx)
	var closed websocket.CloseError
	if errors.As(err, &closed) && closed.Code == websocket.StatusPolicyViolation {
		return closed.Reason
	}
	return string(frame)
}

func TestWritesNeedTheirTokenWhereItIsWanted(t *testing.T) {
	t.Parallel()
	now := time.Now()
	url := startGuarded(t, func(o *server.Options) {
		o.Guards.CSRFLife, o.Clock, o.NoServices = time.Hour, func() time.Time { return now }, true
	})
	status, body, _ := call(t, "GET", url+"/csrf-token?client=me", "")
	var token api.CsrfToken
	if err := json.Unmarshal([]byte(body), &token); err != nil || status != http.StatusOK || len(token.Token) != 64 || !token.Expiration.Equal(now.Add(time.Hour).Truncate(time.Microsecond)) {
		t.Fatalf("%d %s %v", status, body, err)
	}
	post := func(headers ...string) string {
		status, body, _ := call(t, "POST", url+"/flows/count", "{}", headers...)
		if status == http.StatusOK {
			return "ok"
		}
		if status != http.StatusForbidden {
			t.Errorf("status %d", status)
		}
		return body
	}
	for want, headers := range map[string][]string{
		`{"detail":"Missing CSRF token."}`:                      nil,
		`{"detail":"Missing client identifier."}`:               {"Prefect-Csrf-Token", token.Token},
		`{"detail":"Invalid CSRF token or client identifier."}`: {"Prefect-Csrf-Token", token.Token, "Prefect-Csrf-Client", "you"},
		"ok": {"Prefect-Csrf-Token", token.Token, "Prefect-Csrf-Client", "me"},
	} {
		if got := post(headers...); got != want {
			t.Errorf("%v: %s, want %s", headers, got, want)
		}
	}
	if status, _, _ := call(t, "GET", url+"/admin/version", ""); status != http.StatusOK {
		t.Errorf("a read wants a token: %d", status)
	}
}

func TestPagesOfOtherOriginsAreLetInAsConfigured(t *testing.T) {
	t.Parallel()
	url := startGuarded(t, func(o *server.Options) {
		o.CORS = rest.CORS{Origins: []string{"https://ui.example"}, Methods: []string{"GET", "POST"}, Headers: []string{"X-One"}}
	})
	preflight := func(origin, method, headers string) (int, string, http.Header) {
		return call(t, "OPTIONS", url+"/flows/filter", "", "Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
	}
	status, body, h := preflight("https://ui.example", "POST", "x-one, content-type")
	if status != http.StatusOK || body != "OK" || h.Get("Access-Control-Allow-Origin") != "https://ui.example" || h.Get("Access-Control-Max-Age") != "600" {
		t.Errorf("%d %s %v", status, body, h)
	}
	status, body, h = preflight("https://evil.example", "DELETE", "x-two")
	if status != http.StatusBadRequest || body != "Disallowed CORS origin, method, headers" || h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %s %v", status, body, h)
	}
	if _, _, h = call(t, "GET", url+"/health", "", "Origin", "https://evil.example"); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a page from elsewhere may read: %v", h)
	}
}

func TestRequestsHaveIDs(t *testing.T) {
	t.Parallel()
	url := startGuarded(t, func(*server.Options) {})
	if _, _, h := call(t, "GET", url+"/health", "", "X-Request-Id", "abc-1"); h.Get("X-Request-Id") != "abc-1" {
		t.Errorf("the caller's id is not kept: %v", h)
	}
	for _, unfit := range []string{"", strings.Repeat("x", 200), "a b"} {
		if _, _, h := call(t, "GET", url+"/health", "", "X-Request-Id", unfit); len(h.Get("X-Request-Id")) != 36 {
			t.Errorf("%q: %v", unfit, h)
		}
	}
}

// TestPathsWithAndWithoutSlash follows the reference: a slash too many or too few at the
// end of a path is redirected, whatever the method, when the other path is there.
func TestPathsWithAndWithoutSlash(t *testing.T) {
	t.Parallel()
	url := startGuarded(t, func(*server.Options) {})
	for _, c := range []struct{ method, path, to string }{
		{"POST", "/flows/filter/", "/flows/filter"},
		{"GET", "/flows/filter/?a=b", "/flows/filter?a=b"},
		{"GET", "/block_types/slug/secret/", "/block_types/slug/secret"},
		{"DELETE", "/flows/name/x/", "/flows/name/x"},
		{"POST", "/work_pools/p/queues/", "/work_pools/p/queues"},
		{"POST", "/flows", "/flows/"},
		{"GET", "/nothing/", ""},
		{"GET", "/nothing", ""},
	} {
		status, text, header := call(t, c.method, url+c.path, "")
		if to := header.Get("Location"); c.to == "" && status != http.StatusNotFound || c.to != "" && (status != http.StatusTemporaryRedirect || to != url+c.to) {
			t.Errorf("%s %s answers %d %s and sends to %q", c.method, c.path, status, text, to)
		}
	}
}

// TestOnlyWhoMayHopeIsToldWhenToAskAgain follows the reference: a tag whose limit is 0
// lets nobody through, however long they wait.
func TestOnlyWhoMayHopeIsToldWhenToAskAgain(t *testing.T) {
	t.Parallel()
	url := startGuarded(t, func(*server.Options) {})
	increment := func(tag string) http.Header {
		status, text, header := call(t, "POST", url+"/concurrency_limits/increment", `{"names":["`+tag+`"],"task_run_id":"11111111-1111-4111-8111-111111111111"}`)
		if status != http.StatusLocked && status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		return header
	}
	for tag, limit := range map[string]string{"none": "0", "one": "1"} {
		if status, text, _ := call(t, "POST", url+"/concurrency_limits/", `{"tag":"`+tag+`","concurrency_limit":`+limit+`}`); status >= 300 {
			t.Fatal(text)
		}
	}
	call(t, "POST", url+"/concurrency_limits/increment", `{"names":["one"],"task_run_id":"22222222-2222-4222-8222-222222222222"}`)
	if after := increment("one").Get("Retry-After"); after == "" {
		t.Error("a tag whose slot is taken does not say when to ask again")
	}
	if after := increment("none").Get("Retry-After"); after != "" {
		t.Errorf("a tag with a limit of 0 says to ask again after %s s", after)
	}
}

// TestOldClientsReadPools follows the reference: up to 3.3.7 the SDK fails to read a work
// pool whose storage has a member more.
func TestOldClientsReadPools(t *testing.T) {
	t.Parallel()
	url := startGuarded(t, func(*server.Options) {})
	for agent, isOld := range map[string]bool{"": false, "curl/8": false, "prefect/3.8.3 (API 0.8.4)": false, "prefect/3.3.8 (API 0.8.4)": false, "prefect/3.3.7 (API 0.8.4)": true, "prefect/2.20.0 (API 0.8.4)": true} {
		name := "pool-" + strings.NewReplacer("/", "-", " ", "-", "(", "", ")", "").Replace(agent)
		for _, do := range [][3]string{{"POST", "/work_pools/", `{"name":"` + name + `","type":"process"}`}, {"GET", "/work_pools/" + name, ""}, {"POST", "/work_pools/filter", `{}`}} {
			status, text, _ := call(t, do[0], url+do[1], do[2], "User-Agent", agent)
			if has := strings.Contains(text, "default_result_storage_block_id"); status >= 300 || has == isOld || !strings.Contains(text, `"bundle_upload_step":null`) || !strings.Contains(text, name) {
				t.Errorf("%q: %v answers %d %s", agent, do, status, text)
			}
		}
	}
}
