package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/logs"
	"github.com/usherhq/usher/internal/server/trace"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/testkit"
)

// start runs a server with the services that change lets it have; stop waits for its end.
func start(t *testing.T, change func(*server.Options)) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o := server.Options{
		Host: "127.0.0.1", Database: store.Config{URL: "sqlite:///" + filepath.Join(t.TempDir(), "usher.db")}, Clock: time.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Keys: crypt.NewKeeper("", t.TempDir()),
	}
	change(&o)
	s, err := server.Open(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s.URL(), stop
}

func ask(t *testing.T, method, url, body string, headers ...string) (status int, answer string, header http.Header) {
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
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}

func TestMetricsTellWhatHappened(t *testing.T) {
	t.Parallel()
	url, _ := start(t, func(o *server.Options) { o.Metrics = true })
	_, flow, _ := ask(t, http.MethodPost, url+"/api/flows/", `{"name":"f"}`)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(flow), &made); err != nil {
		t.Fatal(err)
	}
	ask(t, http.MethodPost, url+"/api/flow_runs/", fmt.Sprintf(`{"flow_id":%q,"state":{"type":"RUNNING"}}`, made.ID))
	ask(t, http.MethodGet, url+"/api/flows/"+made.ID, "")
	ask(t, http.MethodGet, url+"/api/nothing/at/all", "")
	ask(t, http.MethodPost, url+"/api/work_pools/none/get_scheduled_flow_runs", "{}")
	if status, _, _ := ask(t, http.MethodPost, url+"/api/events", `[{"event":"e","occurred":"2026-01-01T00:00:00Z","id":"00000000-0000-4000-8000-000000000001","resource":{"prefect.resource.id":"r"}}]`); status != http.StatusNoContent {
		t.Errorf("the event was answered with %d", status)
	}
	want := []string{
		`usher_http_requests_total{method="POST",route="/api/flows/{$}",status="201"} 1`,
		`usher_http_requests_total{method="GET",route="/api/flows/{id}",status="200"} 1`,
		`usher_http_requests_total{method="GET",route="unknown",status="404"} 1`,
		`usher_http_request_duration_seconds_count{route="/api/flows/{id}"} 1`,
		`usher_http_request_duration_seconds_bucket{route="/api/flows/{id}",le="+Inf"} 1`,
		`usher_http_requests_in_flight 1`,
		`usher_http_requests_refused_total 0`,
		`usher_flow_runs{state="RUNNING"} 1`,
		`usher_database_writers `,
		`usher_service_turns_total{service="late-runs",result="done"}`,
		`usher_service_last_turn_timestamp_seconds{service="late-runs"} 1`,
		`# TYPE prefect_worker_channel_connections_total counter`,
		`usher_worker_polls_total 0`,
	}
	err := testkit.Until(t.Context(), func() error { // services take their first turn soon
		status, text, header := ask(t, http.MethodGet, url+"/api/metrics", "")
		if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
			return testkit.Final(fmt.Errorf("%d %s", status, header.Get("Content-Type")))
		}
		if strings.Contains(text, "usher_events_accepted_total 0\n") {
			return fmt.Errorf("no event was counted")
		}
		for _, line := range want {
			if !strings.Contains(text, "\n"+line) {
				return fmt.Errorf("no line %s in\n%s", line, text)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestMetricsAreServedToThoseWhoMay(t *testing.T) {
	t.Parallel()
	off, _ := start(t, func(*server.Options) {})
	if status, _, _ := ask(t, http.MethodGet, off+"/api/metrics", ""); status != http.StatusNotFound {
		t.Errorf("switched off: %d", status)
	}
	guarded, _ := start(t, func(o *server.Options) { o.Metrics, o.Guards.AuthString = true, "a:b" })
	if status, _, _ := ask(t, http.MethodGet, guarded+"/api/metrics", ""); status != http.StatusUnauthorized {
		t.Errorf("without credentials: %d", status)
	}
}

// line is one line of the log.
type line struct {
	Msg, Level, Request, Method, Path, Error string
	Status                                   int
}

// buffer is a log that may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(data)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *buffer) lines(t *testing.T) (out []line) {
	t.Helper()
	for text := range strings.Lines(b.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Errorf("no JSON: %s", text)
		}
		out = append(out, l)
	}
	return out
}

func TestLogsNameTheRequestAndNoSecret(t *testing.T) {
	t.Parallel()
	var log buffer
	url, stop := start(t, func(o *server.Options) {
		o.Log, o.NoServices, o.Guards.AuthString = logs.New(&log, slog.LevelDebug, true), true, "me:canary-password"
	})
	auth := []string{"Authorization", "Basic bWU6Y2FuYXJ5LXBhc3N3b3Jk", "X-Request-Id", "mine-1"}
	ask(t, http.MethodPost, url+"/api/variables/", `{"name":"v","value":"canary-variable"}`, auth...)
	ask(t, http.MethodPost, url+"/api/variables/", `{"name":"v","value":"canary-variable","more":"canary-extra"}`, auth...)
	ask(t, http.MethodGet, url+"/api/events/filter/next?page-token=canary-token", "", auth...)
	ask(t, http.MethodGet, url+"/api/flows/count", "", "Authorization", "Bearer canary-wrong", "X-Request-Id", "mine-2")
	large := fmt.Sprintf(`[{"event":"e","occurred":"2026-01-01T00:00:00Z","id":"00000000-0000-4000-8000-000000000001","resource":{"prefect.resource.id":"r"},"payload":{"secret":"canary-payload%s"}}]`, strings.Repeat("x", 1_600_000))
	ask(t, http.MethodPost, url+"/api/events", large, append(auth[:2:2], "X-Request-Id", "mine-3")...)
	stop()
	text := log.String()
	if strings.Contains(text, "canary") || strings.Contains(text, "Y2FuYXJ5") {
		t.Errorf("a secret is in the log:\n%s", text)
	}
	found := map[string]int{}
	for _, l := range log.lines(t) {
		if l.Msg == "answered" {
			found[fmt.Sprint(l.Request, " ", l.Method, " ", l.Path, " ", l.Status)]++
		} else {
			found[l.Request+" "+l.Msg]++
		}
	}
	for _, want := range []string{
		"mine-1 POST /api/variables/ 201", "mine-1 POST /api/variables/ 422", "mine-1 GET /api/events/filter/next 403",
		"mine-2 GET /api/flows/count 401", "mine-3 POST /api/events 204", "mine-3 event is too large and dropped",
	} {
		if found[want] != 1 {
			t.Errorf("%d lines %q in\n%s", found[want], want, text)
		}
	}
}

// span is what a collector reads of one.
type span struct {
	TraceID      string `json:"traceId"`
	ParentSpanID string `json:"parentSpanId"`
	Name         string
	Kind         int
	Start        string `json:"startTimeUnixNano"`
	End          string `json:"endTimeUnixNano"`
	Status       struct{ Code int }
	Attributes   []struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
}

func TestTracesReachACollector(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	spans := map[string]span{}
	var key string
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var in struct {
			ResourceSpans []struct {
				ScopeSpans []struct{ Spans []span }
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", r.URL, err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		key = r.Header.Get("X-Key")
		for _, s := range in.ResourceSpans[0].ScopeSpans[0].Spans {
			spans[s.Name] = s
		}
	}))
	defer collector.Close()
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b"}
	config, err := trace.FromEnv(func(name string) string { return env[name] }, "1")
	if err != nil {
		t.Fatal(err)
	}
	url, stop := start(t, func(o *server.Options) { o.Trace, o.Metrics = config, true })
	ask(t, http.MethodGet, url+"/api/health", "", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ask(t, http.MethodGet, url+"/api/hello", "", "Traceparent", "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00")
	err = testkit.Until(t.Context(), func() error {
		if _, text, _ := ask(t, http.MethodGet, url+"/api/metrics", ""); !strings.Contains(text, `{service="late-runs",result="done"}`) {
			return fmt.Errorf("no turn yet")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stop() // sends what is left
	mu.Lock()
	defer mu.Unlock()
	health := spans["GET /api/health"]
	if health.TraceID != "0af7651916cd43dd8448eb211c80319c" || health.ParentSpanID != "b7ad6b7169203331" || health.Kind != 2 || health.Start == "" || health.End < health.Start {
		t.Errorf("the request's span: %+v", health)
	}
	if _, unwanted := spans["GET /api/hello"]; unwanted {
		t.Error("a trace was recorded that its caller does not record")
	}
	if turn := spans["service late-runs"]; turn.Kind != 1 || len(turn.TraceID) != 32 || turn.ParentSpanID != "" {
		t.Errorf("the turn's span: %+v", turn)
	}
	if key != "a b" {
		t.Errorf("the header is %q", key)
	}
}

func TestTooManyRequestsAreToldToComeAgain(t *testing.T) {
	t.Parallel()
	url, _ := start(t, func(o *server.Options) { o.NoServices, o.MaxRequests = true, 1 })
	var held []net.Conn
	free := func() {
		for _, conn := range held {
			conn.Close()
		}
	}
	defer free()
	// A request whose body does not come takes the only place, unless the question has it
	// just then: so it is tried until one does.
	err := testkit.Until(t.Context(), func() error {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			return testkit.Final(err)
		}
		held = append(held, conn)
		if _, err := io.WriteString(conn, "POST /api/flows/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"); err != nil {
			return testkit.Final(err)
		}
		if status, body, header := ask(t, http.MethodPost, url+"/api/flows/count", "{}"); status != http.StatusServiceUnavailable || header.Get("Retry-After") != "1" {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if status, _, _ := ask(t, http.MethodGet, url+"/api/health", ""); status != http.StatusOK {
		t.Errorf("health answers %d", status)
	}
	free()
	err = testkit.Until(t.Context(), func() error {
		if status, body, _ := ask(t, http.MethodPost, url+"/api/flows/count", "{}"); status != http.StatusOK {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestALargeBodyIsRefused(t *testing.T) {
	t.Parallel()
	url, _ := start(t, func(o *server.Options) { o.NoServices = true })
	if status, body, _ := ask(t, http.MethodPost, url+"/api/flows/", `"`+strings.Repeat("x", 9<<20)+`"`); status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %.100s", status, body)
	}
}
