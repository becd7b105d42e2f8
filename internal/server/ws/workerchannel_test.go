package ws_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
)

func startServer(t testing.TB) (url string) {
	t.Helper()
	return serveOn(t, filepath.Join(t.TempDir(), "usher.db"))
}

// serveOn serves on a database until the test ends.
func serveOn(t testing.TB, database string) (url string) {
	t.Helper()
	return serveWith(t, database, core.Mutes{})
}

func serveWith(t testing.TB, database string, mutes core.Mutes) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s, err := server.Open(ctx, server.Options{
		Mutes: mutes,
		Host:  "127.0.0.1", Database: store.Config{URL: database},
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Clock: time.Now,
	})
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
	return s.URL() + "/api"
}

// do asks the API; the status must be a good one.
func do(t *testing.T, url, request, body string) (answer jsontext.Value) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s: %d %s %v", request, res.StatusCode, text, err)
	}
	return text
}

func idOf(t *testing.T, answer jsontext.Value) string {
	t.Helper()
	var object struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer, &object); err != nil {
		t.Fatal(err)
	}
	return object.ID
}

// channel is a worker's end of its channel.
type channel struct {
	*websocket.Conn

	t  *testing.T
	id uuid.UUID
}

func dialWorker(t *testing.T, url, pool string) *channel {
	t.Helper()
	conn, _, err := websocket.Dial( //nolint:bodyclose // the library closes it
		t.Context(), strings.Replace(url, "http", "ws", 1)+"/work_pools/"+pool+"/workers/connect",
		&websocket.DialOptions{Subprotocols: []string{"prefect"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() }) //nolint:errcheck // the test is over
	c := &channel{conn, t, uuid.New()}
	c.write(`{"type":"auth","token":null}`)
	if got := c.read(); string(got) != `{"type":"auth_success"}` {
		t.Fatalf("auth: %s", got)
	}
	return c
}

func (c *channel) write(text string) {
	c.t.Helper()
	if err := c.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *channel) read() []byte {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	_, data, err := c.Read(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return data
}

func (c *channel) send(kind, payload string) {
	c.t.Helper()
	c.write(fmt.Sprintf(`{"type":%q,"id":%q,"sent_at":"2026-01-01T00:00:00Z","payload":%s}`, kind, uuid.New(), payload))
}

// frame reads the next frame, which must be of that kind.
func (c *channel) frame(kind string) map[string]any {
	c.t.Helper()
	var f struct {
		Type    string         `json:"type"`
		Payload map[string]any `json:"payload"`
	}
	data := c.read()
	if err := json.Unmarshal(data, &f); err != nil || f.Type != kind {
		c.t.Fatalf("want a %s, got %s", kind, data)
	}
	return f.Payload
}

// at is the object below names; nil when there is none.
func at(object map[string]any, names ...string) map[string]any {
	for _, name := range names {
		object, _ = object[name].(map[string]any)
	}
	return object
}

// closed reads until the server closes the channel, and says how it did.
func (c *channel) closed() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	for {
		_, _, err := c.Read(ctx)
		if err == nil {
			continue
		}
		var end websocket.CloseError
		if !errors.As(err, &end) {
			c.t.Fatal(err)
		}
		return fmt.Sprintf("%d %s", end.Code, end.Reason)
	}
}

func (c *channel) hello(changes map[string]any) string {
	c.t.Helper()
	payload := map[string]any{
		"consumer_id": c.id, "worker_name": "w", "worker_type": "process", "heartbeat_interval_seconds": 30,
		"supported_channel_versions": []string{"work_pool_worker_channel.v1"},
		"requested_capabilities":     []string{"worker_heartbeat.v1", "work_pool_snapshot.v1", "usher.run_available.v1"},
		"work_queue_names":           []string{}, "create_pool_if_not_found": false, "default_base_job_template": map[string]any{},
	}
	maps.Copy(payload, changes)
	text, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// open opens the channel of a worker of pool p that wants to hear of runs.
func open(t *testing.T, url string) *channel {
	t.Helper()
	c := dialWorker(t, url, "p")
	c.send("worker.hello.v1", c.hello(nil))
	c.frame("worker.ready.v1")
	return c
}

// deployment makes a deployment in the pool and returns its id.
func deployment(t *testing.T, url, pool string) string {
	t.Helper()
	flow := idOf(t, do(t, url, "POST /flows/", `{"name":"f"}`))
	return idOf(t, do(t, url, "POST /deployments/", fmt.Sprintf(`{"name":"d","flow_id":%q,"work_pool_name":%q}`, flow, pool)))
}

func TestReadyAnswersTheHello(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	c := dialWorker(t, url, "made")
	c.send("worker.hello.v1", c.hello(map[string]any{
		"create_pool_if_not_found": true, "worker_metadata": map[string]any{"integrations": []any{}},
		"requested_capabilities": []string{"worker_heartbeat.v1", "work_pool_snapshot.v1", "cleanup_delivery.v1"},
		"handled_cleanup_kinds":  []string{"cancelling_timeout_teardown.v1"}, "max_cleanup_concurrency": 3,
	}))
	got := c.frame("worker.ready.v1")
	snapshot, pool := at(got, "initial_snapshot"), at(got, "initial_snapshot", "work_pool")
	if pool["name"] != "made" || pool["type"] != "process" || pool["status"] != "READY" || snapshot["reason"] != "initial" {
		t.Errorf("the snapshot is %v", snapshot)
	}
	if queues := fmt.Sprint(got["resolved_work_queues"]); strings.Count(queues, "name:") != 1 || !strings.Contains(queues, "name:default") {
		t.Errorf("the queues are %v", queues)
	}
	delete(got, "initial_snapshot")
	delete(got, "resolved_work_queues")
	want := map[string]any{
		"consumer_id": c.id.String(), "worker_id": nil, "selected_channel_version": "work_pool_worker_channel.v1",
		"effective_heartbeat_interval_seconds": 30.0, "accepted_capabilities": []any{"worker_heartbeat.v1", "work_pool_snapshot.v1", "cleanup_delivery.v1"},
		"rejected_capabilities": []any{}, "effective_max_cleanup_concurrency": 3.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if workers := do(t, url, "POST /work_pools/made/workers/filter", "{}"); !bytes.Contains(workers, []byte(`"status":"ONLINE"`)) {
		t.Errorf("the worker is not online: %s", workers)
	}
}

func TestUnfitHellosAreRefused(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	do(t, url, "POST /work_pools/", `{"name":"p","type":"process"}`)
	for name, test := range map[string]struct {
		pool    string
		changes map[string]any
		want    string
	}{
		"no such pool":     {"q", nil, "1008 authorization_failed"},
		"a reserved name":  {"prefect-x", map[string]any{"create_pool_if_not_found": true}, "1008 authorization_failed"},
		"no such queue":    {"p", map[string]any{"work_queue_names": []string{"nope"}}, "1008 authorization_failed"},
		"another version":  {"p", map[string]any{"supported_channel_versions": []string{"v9"}}, "1008 unsupported_version"},
		"too few wishes":   {"p", map[string]any{"requested_capabilities": []string{"worker_heartbeat.v1"}}, "1002 protocol_error"},
		"unknown members":  {"p", map[string]any{"more": 1}, "1002 protocol_error"},
		"unknown cleanups": {"p", map[string]any{"requested_capabilities": []string{"worker_heartbeat.v1", "work_pool_snapshot.v1", "cleanup_delivery.v1"}, "handled_cleanup_kinds": []string{"other"}}, "1002 protocol_error"},
		"unasked cleanups": {"p", map[string]any{"handled_cleanup_kinds": []string{"cancelling_timeout_teardown.v1"}}, "1002 protocol_error"},
		"no interval":      {"p", map[string]any{"heartbeat_interval_seconds": 0}, "1002 protocol_error"},
		"a wrong template": {"r", map[string]any{"create_pool_if_not_found": true, "default_base_job_template": map[string]any{"variables": map[string]any{"type": "nonsense"}}}, "1002 protocol_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dialWorker(t, url, test.pool)
			c.send("worker.hello.v1", c.hello(test.changes))
			if got := c.closed(); got != test.want {
				t.Errorf("closed with %q, want %q", got, test.want)
			}
		})
	}
}

func TestAWorkerHearsOfRuns(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	do(t, url, "POST /work_pools/", `{"name":"p","type":"process"}`)
	do(t, url, "POST /work_pools/", `{"name":"other","type":"process"}`)
	d, c := deployment(t, url, "p"), open(t, url)
	started := time.Now()
	do(t, url, "POST /deployments/"+d+"/create_flow_run", "{}")
	c.frame("usher.run_available.v1")
	t.Logf("the worker heard of the run %v after it was asked for", time.Since(started))
	if runs := do(t, url, "POST /work_pools/p/get_scheduled_flow_runs", "{}"); len(runs) < 10 {
		t.Errorf("there is no run to fetch: %s", runs)
	}
}

func TestAWorkerHearsOfARunWhenItIsDue(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	do(t, url, "POST /work_pools/", `{"name":"p","type":"process"}`)
	d, c := deployment(t, url, "p"), open(t, url)
	due := time.Now().Add(500 * time.Millisecond)
	do(t, url, "POST /deployments/"+d+"/create_flow_run", fmt.Sprintf(`{"state":{"type":"SCHEDULED","state_details":{"scheduled_time":%q}}}`, due.UTC().Format(time.RFC3339Nano)))
	c.frame("usher.run_available.v1") // it may be fetched ahead of its time
	c.frame("usher.run_available.v1")
	if late := time.Since(due); late < 0 {
		t.Errorf("the worker heard of the run %v too early", -late)
	} else {
		t.Logf("the worker heard of the run %v after it was due", late)
	}
}

func TestAWorkerHearsOfAFreedSlot(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	do(t, url, "POST /work_pools/", `{"name":"p","type":"process","concurrency_limit":1}`)
	d := deployment(t, url, "p")
	first := idOf(t, do(t, url, "POST /deployments/"+d+"/create_flow_run", "{}"))
	do(t, url, "POST /flow_runs/"+first+"/set_state", `{"state":{"type":"PENDING"}}`)
	do(t, url, "POST /deployments/"+d+"/create_flow_run", "{}")
	if runs := do(t, url, "POST /work_pools/p/get_scheduled_flow_runs", "{}"); string(runs) != "[]" {
		t.Fatalf("a full pool hands out %s", runs)
	}
	c := open(t, url)
	do(t, url, "POST /flow_runs/"+first+"/set_state", `{"state":{"type":"CRASHED"}}`)
	c.frame("usher.run_available.v1")
	if runs := do(t, url, "POST /work_pools/p/get_scheduled_flow_runs", "{}"); string(runs) == "[]" {
		t.Error("the freed slot is not used")
	}
}

func TestAWorkerIsToldOfItsPool(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	do(t, url, "POST /work_pools/", `{"name":"p","type":"process"}`)
	c := dialWorker(t, url, "p")
	c.send("worker.hello.v1", c.hello(map[string]any{"requested_capabilities": []string{"worker_heartbeat.v1", "work_pool_snapshot.v1"}}))
	c.frame("worker.ready.v1")
	do(t, url, "PATCH /work_pools/p", `{"concurrency_limit":7}`)
	do(t, url, "PATCH /work_pools/p", `{"concurrency_limit":8}`)
	got := c.frame("work_pool.snapshot.v1")
	if got["snapshot_sequence"] != 2.0 || got["reason"] != "work_pool_updated" || at(got, "work_pool")["concurrency_limit"] != 8.0 {
		t.Errorf("the snapshot is %v", got)
	}
	do(t, url, "PATCH /work_pools/p", `{"description":"changed"}`)
	c.send("worker.heartbeat.v1", fmt.Sprintf(`{"consumer_id":%q,"worker_name":"w","heartbeat_interval_seconds":30}`, c.id))
	if got := c.frame("work_pool.snapshot.v1"); got["reason"] != "heartbeat_reconciliation" || got["snapshot_sequence"] != 3.0 {
		t.Errorf("the snapshot is %v", got)
	}
	do(t, url, "DELETE /work_pools/p", "")
	if got := c.closed(); got != "1008 authorization_failed" {
		t.Errorf("closed with %q", got)
	}
}

func TestAHeartbeatOfAnotherWorkerEndsTheChannel(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	do(t, url, "POST /work_pools/", `{"name":"p","type":"process"}`)
	c := open(t, url)
	c.send("worker.heartbeat.v1", fmt.Sprintf(`{"consumer_id":%q,"worker_name":"w","heartbeat_interval_seconds":30}`, uuid.New()))
	if got := c.closed(); got != "1002 protocol_error" {
		t.Errorf("closed with %q", got)
	}
}
