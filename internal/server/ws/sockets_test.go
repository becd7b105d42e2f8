package ws_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// patience bounds what must happen at once.
const patience = 20 * time.Second

// greet connects to a socket and passes the handshake.
func greet(t testing.TB, url, path string) (*websocket.Conn, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1)+path, &websocket.DialOptions{Subprotocols: []string{"prefect"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() }) //nolint:errcheck // the test is over
	conn.SetReadLimit(-1)
	say(ctx, t, conn, `{"type":"auth","token":null}`)
	if got := hear(ctx, t, conn); got != `{"type":"auth_success"}` {
		t.Fatalf("the handshake answers %s", got)
	}
	return conn, ctx
}

func say(ctx context.Context, t testing.TB, conn *websocket.Conn, frame string) {
	t.Helper()
	if err := conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		t.Fatal(err)
	}
}

func hear(ctx context.Context, t testing.TB, conn *websocket.Conn) string {
	t.Helper()
	_, frame, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(frame)
}

// closing is the status and the reason with which the server closes.
func closing(ctx context.Context, conn *websocket.Conn) string {
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return fmt.Sprint(err)
		}
	}
}

func anEvent(name string) string {
	return fmt.Sprintf(`{"id":%q,"occurred":%q,"event":%q,"resource":{"prefect.resource.id":"thing"}}`,
		uuid.NewString(), time.Now().UTC().Format(time.RFC3339Nano), name)
}

// stored counts the events of a name.
func stored(t *testing.T, url, name string) int {
	t.Helper()
	var page struct {
		Total int `json:"total"`
	}
	answer := do(t, url, "POST /events/filter", fmt.Sprintf(`{"filter":{"event":{"name":[%q]}},"limit":0}`, name))
	if err := json.Unmarshal(answer, &page); err != nil {
		t.Fatal(err)
	}
	return page.Total
}

func TestAPongSaysThatEventsAreStored(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	conn, ctx := greet(t, url, "/events/in")
	ctx = conn.CloseRead(ctx) // pongs are read in the background
	sent := 0
	for _, n := range []int{1, 1500, 7} {
		for range n {
			say(ctx, t, conn, anEvent("counted"))
		}
		sent += n
		if err := conn.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		if got := stored(t, url, "counted"); got != sent {
			t.Fatalf("%d of %d events are stored when the pong comes", got, sent)
		}
	}
}

func TestAFrameThatIsNoEventIsPassedOver(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	conn, ctx := greet(t, url, "/events/in")
	ctx = conn.CloseRead(ctx)
	twice := anEvent("good")
	for _, frame := range []string{"{", "[]", `{"event":"x"}`, anEvent(strings.Repeat("x", 1025)), twice, twice} {
		say(ctx, t, conn, frame)
	}
	if err := conn.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, url, "good"); got != 1 {
		t.Errorf("%d good events are stored", got)
	}
}

func TestASubscriberHearsWhatWasAndWhatComes(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	do(t, url, "POST /events", "["+anEvent("mine.before")+","+anEvent("other")+"]")
	conn, ctx := greet(t, url, "/events/out")
	say(ctx, t, conn, `{"type":"filter","filter":{"event":{"prefix":["mine."]}}}`)
	names := []string{nameOf(t, hear(ctx, t, conn))}
	say(ctx, t, conn, "what nobody asked for")
	do(t, url, "POST /events", "["+anEvent("other")+","+anEvent("mine.after")+"]")
	names = append(names, nameOf(t, hear(ctx, t, conn)))
	if diff := cmp.Diff([]string{"mine.before", "mine.after"}, names); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Whoever connects while events pour in hears each once: what the backfill sends and what
// comes meanwhile neither overlap nor leave a gap.
func TestTheSeamOfABackfillLosesNothing(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		const events, listeners = 3000, 6 // fewer than a subscriber may fall behind
		url := serveOn(t, database)
		in, ctx := greet(t, url, "/events/in")
		ctx = in.CloseRead(ctx)
		var group sync.WaitGroup
		for i := range events {
			if i%(events/listeners) == 0 {
				out, listening := greet(t, url, "/events/out")
				say(listening, t, out, `{"type":"filter","filter":{"event":{"prefix":["mine."]},"occurred":{"until":"2100-01-01T00:00:00Z"}}}`)
				group.Go(func() { hearsEachOnce(listening, t, out, events) })
			}
			say(ctx, t, in, anEvent(fmt.Sprintf("mine.%04d", i)))
		}
		if err := in.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		do(t, url, "POST /events", "["+anEvent("mine.last")+"]")
		group.Wait()
	})
}

// hearsEachOnce reads until mine.last and finds each of n events before it, once.
func hearsEachOnce(ctx context.Context, t *testing.T, out *websocket.Conn, n int) {
	heard := map[string]int{}
	for heard["mine.last"] == 0 {
		_, frame, err := out.Read(ctx)
		if err != nil {
			t.Errorf("after %d events: %v", len(heard), err)
			return
		}
		heard[nameOf(t, string(frame))]++
	}
	for name, times := range heard {
		if times != 1 {
			t.Errorf("%s is heard %d times", name, times)
		}
	}
	if len(heard) != n+1 {
		t.Errorf("%d of %d events are heard", len(heard)-1, n)
	}
}

// A socket that is switched off stays open and says nothing, as the reference's.
func TestMutedSocketsStayOpen(t *testing.T) {
	t.Parallel()
	url := serveWith(t, filepath.Join(t.TempDir(), "usher.db"), core.Mutes{LogsOut: true, EventsOut: true})
	for _, path := range []string{"/logs/out", "/events/out"} {
		conn, ctx := greet(t, url, path)
		say(ctx, t, conn, `{"type":"filter","filter":{},"backfill":false}`)
		heard := make(chan string, 1)
		go func() {
			_, frame, err := conn.Read(ctx)
			heard <- fmt.Sprint(string(frame), err)
		}()
		for range 2 {
			if err := conn.Ping(ctx); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			do(t, url, "POST /events", "["+anEvent("mine")+"]")
			do(t, url, "POST /logs/", `[{"name":"n","level":20,"message":"m","timestamp":"2026-01-01T00:00:00Z"}]`)
		}
		select {
		case frame := <-heard:
			t.Errorf("%s says %s", path, frame)
		default:
		}
	}
}

// Whoever does not read is sent away, and nobody else waits for it.
func TestASlowReaderHoldsUpNobody(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	do(t, url, "POST /events", "["+anEvent("start")+"]")
	slow, slowCtx := greet(t, url, "/events/out")
	say(slowCtx, t, slow, `{"type":"filter","filter":{}}`)
	quick, ctx := greet(t, url, "/events/out")
	say(ctx, t, quick, `{"type":"filter","filter":{"event":{"name":["start","last"]}}}`)
	hear(slowCtx, t, slow)
	hear(ctx, t, quick)
	large := strings.Replace(anEvent("large"), `"event":`, `"payload":{"text":"`+strings.Repeat("x", 3000)+`"},"event":`, 1)
	for range 16 { // more than the buffers of the connection and the backlog together
		batch := make([]string, 500)
		for i := range batch {
			batch[i] = `{"id":"` + uuid.NewString() + large[len(`{"id":"`)+36:]
		}
		do(t, url, "POST /events", "["+strings.Join(batch, ",")+"]")
	}
	do(t, url, "POST /events", "["+anEvent("last")+"]")
	if got := nameOf(t, hear(ctx, t, quick)); got != "last" {
		t.Errorf("the quick one hears %s", got)
	}
	if got := closing(slowCtx, slow); !strings.Contains(got, "StatusTryAgainLater") {
		t.Errorf("the slow one is told %s", got)
	}
}

// Who listens for one event among very many that come at once is not taken for slow.
func TestABurstOfOthersMakesNobodySlow(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	out, ctx := greet(t, url, "/events/out")
	say(ctx, t, out, `{"type":"filter","filter":{"event":{"name":["rare"]},"occurred":{"until":"2999-01-01T00:00:00Z"}},"backfill":false}`)
	for range 3 {
		batch := make([]string, 20_000)
		for i := range batch {
			batch[i] = anEvent("common")
		}
		batch[len(batch)/2] = anEvent("rare")
		do(t, url, "POST /events", "["+strings.Join(batch, ",")+"]")
		if got := nameOf(t, hear(ctx, t, out)); got != "rare" {
			t.Fatalf("heard %s", got)
		}
	}
}

func nameOf(t *testing.T, frame string) string {
	t.Helper()
	var message struct {
		Event struct {
			Event string `json:"event"`
		} `json:"event"`
	}
	if err := json.Unmarshal([]byte(frame), &message); err != nil {
		t.Fatal(err)
	}
	return message.Event.Event
}

func TestWhoBreaksTheProtocolIsToldSo(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	for _, c := range []struct{ path, frame, want string }{
		{"/events/out", `{"type":"x"}`, "status = StatusProtocolError and reason = \"Expected 'filter' message\""},
		{"/events/out", `{"type":"filter","filter":{"nope":1}}`, `status = StatusProtocolError and reason = "Invalid filter: `},
		{"/events/out", `{"type":"filter"}`, `status = StatusProtocolError and reason = "Invalid filter: `},
		{"/logs/out", `{"type":"filter","filter":null}`, `status = StatusProtocolError and reason = "Invalid filter: `},
		{"/logs/out", `{`, "Expected 'filter' message"},
		{"/task_runs/subscriptions/scheduled", `{"type":"x"}`, "Protocol violation: expected 'subscribe' message"},
		{"/task_runs/subscriptions/scheduled", `{"type":"subscribe","client_id":"c"}`, "Protocol violation: expected 'keys' in subscribe message"},
		{"/task_runs/subscriptions/scheduled", `{"type":"subscribe","keys":["k"]}`, "Protocol violation: expected 'client_id' in subscribe message"},
	} {
		conn, ctx := greet(t, url, c.path)
		say(ctx, t, conn, c.frame)
		if got := closing(ctx, conn); !strings.Contains(got, c.want) {
			t.Errorf("%s closes after %s with %s", c.path, c.frame, got)
		}
	}
}

func TestAStopClosesSocketsInForm(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s, err := server.Open(ctx, server.Options{
		Host: "127.0.0.1", Database: store.Config{URL: filepath.Join(t.TempDir(), "usher.db")},
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Clock: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	url := s.URL() + "/api"
	queue(t, url, "k", "1")
	closed := map[string]chan string{}
	for path, first := range map[string]string{
		"/events/out": `{"type":"filter","filter":{}}`, "/logs/out": `{"type":"filter","filter":{}}`,
		"/task_runs/subscriptions/scheduled": `{"type":"subscribe","keys":["k"],"client_id":"c"}`,
	} {
		conn, during := greet(t, url, path)
		say(during, t, conn, first)
		do(t, url, "POST /events", "["+anEvent("e")+"]")
		do(t, url, "POST /logs/", `[{"name":"n","level":20,"message":"m","timestamp":"2030-01-01T00:00:00Z"}]`)
		hear(during, t, conn) // so it is served
		closed[path] = untilClosed(during, conn)
	}
	conn, during := greet(t, url, "/events/in")
	closed["/events/in"] = untilClosed(during, conn)
	say(during, t, conn, anEvent("last"))
	if err := conn.Ping(during); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	stop()
	for path, ended := range closed {
		if got := <-ended; !strings.Contains(got, "StatusGoingAway") {
			t.Errorf("%s ends with %s", path, got)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("the server took %s to stop", took)
	}
}

func untilClosed(ctx context.Context, conn *websocket.Conn) chan string {
	ended := make(chan string, 1)
	go func() { ended <- closing(ctx, conn) }()
	return ended
}
