package ws_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/usherhq/usher/internal/testkit"
)

// replicas are two servers on one database.
func replicas(t *testing.T) (here, there string) {
	t.Helper()
	database := testkit.PostgresURL(t)
	return serveOn(t, database), serveOn(t, database)
}

func TestEventsOfAnotherServerAreHeardOnce(t *testing.T) {
	t.Parallel()
	here, there := replicas(t)
	do(t, there, "POST /events", "["+anEvent("mine.before")+"]")
	conn, ctx := greet(t, here, "/events/out")
	say(ctx, t, conn, `{"type":"filter","filter":{"event":{"prefix":["mine."]}}}`)
	got := []string{nameOf(t, hear(ctx, t, conn))}
	want := []string{"mine.before"}
	for i := range 20 {
		name := fmt.Sprintf("mine.%02d", i)
		do(t, []string{here, there}[i%2], "POST /events", "["+anEvent(name)+"]")
		want, got = append(want, name), append(got, nameOf(t, hear(ctx, t, conn)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("heard %q", got)
	}
}

func TestLogLinesOfAnotherServerAreHeardOnce(t *testing.T) {
	t.Parallel()
	here, there := replicas(t)
	conn, ctx := greet(t, here, "/logs/out")
	say(ctx, t, conn, `{"type":"filter","filter":{"level":{"ge_":20}}}`)
	heard := make(chan string, 100)
	go func() {
		defer close(heard)
		for {
			_, frame, err := conn.Read(ctx)
			if err != nil {
				return
			}
			heard <- string(frame)
		}
	}()
	line := func(url, text string) {
		do(t, url, "POST /logs/", fmt.Sprintf(`[{"name":"n","level":20,"message":%q,"timestamp":%q}]`, text, time.Now().UTC().Format(time.RFC3339)))
	}
	testkit.Eventually(t, patience, func() error { // the client is not told when its subscription begins
		line(there, "begin")
		if len(heard) == 0 {
			return errors.New("nothing is heard")
		}
		return nil
	})
	for i := range 20 {
		line([]string{there, here}[i%2], fmt.Sprintf("line %02d", i))
		for {
			got, open := <-heard
			if strings.Contains(got, fmt.Sprintf("line %02d", i)) {
				break
			}
			if !open || !strings.Contains(got, `"begin"`) {
				t.Fatalf("heard %s instead of line %d", got, i)
			}
		}
	}
}

func TestNothingIsMissedWhenConnectionsAreLost(t *testing.T) {
	t.Parallel()
	database := testkit.PostgresURL(t)
	here, there := serveOn(t, database), serveOn(t, database)
	conn, ctx := greet(t, here, "/events/out")
	say(ctx, t, conn, `{"type":"filter","filter":{"event":{"prefix":["mine."]}}}`)
	admin, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(ctx) //nolint:errcheck // the test is over
	do(t, there, "POST /events", "["+anEvent("mine.first")+"]")
	if got := nameOf(t, hear(ctx, t, conn)); got != "mine.first" {
		t.Fatalf("heard %s", got)
	}
	for i := range 5 {
		const lose = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename = current_user"
		if _, err := admin.Exec(ctx, lose); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint("mine.", i)
		do(t, there, "POST /events", "["+anEvent(name)+"]")
		if got := nameOf(t, hear(ctx, t, conn)); got != name {
			t.Fatalf("heard %s instead of %s", got, name)
		}
	}
}

func TestBackgroundRunsOfAnotherServerAreHandedOutAtOnce(t *testing.T) {
	t.Parallel()
	here, there := replicas(t)
	first := queue(t, here, "a", "0")
	conn, ctx := taskWorker(t, here, "w", "a")
	if got := take(ctx, t, conn); got != first {
		t.Fatalf("got %s first", got)
	}
	began := time.Now()
	for i := range 3 {
		if want, got := queue(t, there, "a", fmt.Sprint(i+1)), take(ctx, t, conn); got != want {
			t.Errorf("got %s, not %s", got, want)
		}
	}
	if took := time.Since(began); took > lookAgain {
		t.Errorf("it took %s: nobody was told", took)
	}
}

// lookAgain is when a server would find by itself what it was not told.
const lookAgain = 15 * time.Second

func TestTaskWorkersOfEveryServerAreListed(t *testing.T) {
	t.Parallel()
	here, there := replicas(t)
	list := func(url, want string) {
		t.Helper()
		testkit.Eventually(t, patience, func() error {
			if got := workersFor(t, url, `{}`); got != want {
				return fmt.Errorf("listed are %s", got)
			}
			return nil
		})
	}
	one, ctx := taskWorker(t, here, "one", "a")
	taskWorker(t, there, "two", "a", "b")
	for _, url := range []string{here, there} {
		list(url, `["one","two"]`)
	}
	moved, _ := taskWorker(t, there, "one", "a")
	list(here, `["one","two"]`)
	say(ctx, t, one, `{"type":"quit"}`)
	if status := websocket.CloseStatus(readUntilClosed(ctx, one)); status != websocket.StatusNormalClosure {
		t.Errorf("a worker that quits is closed with %d", status)
	}
	list(here, `["one","two"]`)
	moved.CloseNow() //nolint:errcheck // it dies
	list(here, `["two"]`)
}

func TestAWorkerHearsOfRunsAndSlotsOfAnotherServer(t *testing.T) {
	t.Parallel()
	here, there := replicas(t)
	do(t, there, "POST /work_pools/", `{"name":"p","type":"process","concurrency_limit":1}`)
	c := open(t, here)
	d := deployment(t, there, "p")
	do(t, there, "PATCH /work_pools/p", `{"concurrency_limit":2}`)
	for at(c.until("work_pool.snapshot.v1"), "work_pool")["concurrency_limit"] != 2.0 {
	}
	run := idOf(t, do(t, there, "POST /deployments/"+d+"/create_flow_run", `{}`))
	c.until("usher.run_available.v1")
	for _, state := range []string{"PENDING", "RUNNING", "COMPLETED"} {
		do(t, there, "POST /flow_runs/"+run+"/set_state", `{"state":{"type":"`+state+`"}}`)
	}
	c.until("usher.run_available.v1")
	do(t, there, "DELETE /work_pools/p", "")
	if got := c.closed(); got != "1008 authorization_failed" {
		t.Errorf("closed with %q", got)
	}
}

// until reads frames up to one of a kind: a server that has just met another lets its
// workers look for runs.
func (c *channel) until(kind string) map[string]any {
	c.t.Helper()
	for {
		var f struct {
			Type    string         `json:"type"`
			Payload map[string]any `json:"payload"`
		}
		if err := json.Unmarshal(c.read(), &f); err != nil {
			c.t.Fatal(err)
		}
		if f.Type == kind {
			return f.Payload
		}
	}
}
