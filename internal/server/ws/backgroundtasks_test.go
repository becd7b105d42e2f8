package ws_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// queue lets a background task run wait.
func queue(t *testing.T, url, key, dynamicKey string) (id string) {
	t.Helper()
	return idOf(t, do(t, url, "POST /task_runs/", fmt.Sprintf(
		`{"task_key":%q,"dynamic_key":%q,"state":{"type":"SCHEDULED","state_details":{"deferred":true}}}`, key, dynamicKey)))
}

// taskWorker connects as a task worker.
func taskWorker(t *testing.T, url, name string, keys ...string) (*websocket.Conn, context.Context) {
	t.Helper()
	conn, ctx := greet(t, url, "/task_runs/subscriptions/scheduled")
	list, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	say(ctx, t, conn, fmt.Sprintf(`{"type":"subscribe","keys":%s,"client_id":%q}`, list, name))
	return conn, ctx
}

func take(ctx context.Context, t *testing.T, conn *websocket.Conn) (id string) {
	t.Helper()
	id = idOf(t, jsontext.Value(hear(ctx, t, conn)))
	say(ctx, t, conn, `{"type":"ack"}`)
	return id
}

func TestTaskWorkersGetRunsInOrder(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	var want, got []string
	for i := range 3 {
		want = append(want, queue(t, url, "a", fmt.Sprint(i)))
	}
	queue(t, url, "other", "0")
	conn, ctx := taskWorker(t, url, "w", "a", "b")
	for range want {
		got = append(got, take(ctx, t, conn))
	}
	late := queue(t, url, "b", "late")
	got = append(got, take(ctx, t, conn))
	if diff := cmp.Diff(append(want, late), got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestARunThatIsNotConfirmedGoesToAnother(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	first, second := queue(t, url, "a", "1"), queue(t, url, "a", "2")
	dying, ctx := taskWorker(t, url, "dying", "a")
	if got := idOf(t, jsontext.Value(hear(ctx, t, dying))); got != first {
		t.Fatalf("got %s first, want %s", got, first)
	}
	dying.CloseNow() //nolint:errcheck // it dies
	other, ctx := taskWorker(t, url, "other", "a")
	got := map[string]int{}
	for range 2 {
		got[take(ctx, t, other)]++
	}
	if diff := cmp.Diff(map[string]int{first: 1, second: 1}, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestACancelledRunIsNotHandedOut(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	gone, next := queue(t, url, "a", "1"), queue(t, url, "a", "2")
	do(t, url, "POST /task_runs/"+gone+"/set_state", `{"state":{"type":"CANCELLED"},"force":true}`)
	conn, ctx := taskWorker(t, url, "w", "a")
	if got := take(ctx, t, conn); got != next {
		t.Errorf("got %s, want %s", got, next)
	}
}

func TestTaskWorkersAreListedWhileConnected(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	queue(t, url, "a", "1")
	conn, ctx := taskWorker(t, url, "w", "a")
	take(ctx, t, conn)
	if got := workersFor(t, url, `{"task_worker_filter":{"task_keys":["a","b"]}}`); got != `["w"]` {
		t.Errorf("for its key %s are listed", got)
	}
	if got := workersFor(t, url, `{"task_worker_filter":{"task_keys":["b"]}}`); got != `[]` {
		t.Errorf("for another key %s are listed", got)
	}
	say(ctx, t, conn, `{"type":"quit"}`)
	if status := websocket.CloseStatus(readUntilClosed(ctx, conn)); status != websocket.StatusNormalClosure {
		t.Errorf("a worker that quits is closed with %d", status)
	}
}

func readUntilClosed(ctx context.Context, conn *websocket.Conn) error {
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return err
		}
	}
}

func workersFor(t *testing.T, url, filter string) string {
	t.Helper()
	var list []struct {
		Name string `json:"identifier"`
	}
	if err := json.Unmarshal(do(t, url, "POST /task_workers/filter", filter), &list); err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(list))
	for _, w := range list {
		names = append(names, w.Name)
	}
	text, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
