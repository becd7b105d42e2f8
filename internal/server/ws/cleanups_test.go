package ws_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/server/ws"
	"github.com/usherhq/usher/internal/store"
)

var who = core.Caller{Workspace: core.DefaultWorkspace}

// everybody lets everybody in.
type everybody struct{}

func (everybody) Enter(*http.Request, string, string) (core.Caller, error) { return who, nil }

func (everybody) Spend(_ *http.Request, _ string, n int) (int, time.Duration) { return n, 0 }
func (everybody) Report(*http.Request, string, []api.ReceivedEvent) error     { return nil }
func (everybody) Wants() bool                                                 { return false }

// stage is a control plane with sockets, without services and with a clock that can be
// put forward.
type stage struct {
	*core.Core

	t     *testing.T
	ahead atomic.Int64
}

func newStage(t *testing.T) *stage {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: filepath.Join(t.TempDir(), "usher.db")})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t}
	s.Core = &core.Core{
		Store: db, Bus: &bus.Bus{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Meter: &meter.Meter{},
		Clock: func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) },
	}
	t.Cleanup(func() { s.ok(db.Close()) })
	return s
}

// serve opens the sockets; stop closes them.
func (s *stage) serve() (url string, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	handlers, wait := ws.Handlers(ctx, s.Core, everybody{}, nil, s.Log)
	mux := http.NewServeMux()
	for path, h := range handlers {
		mux.Handle("/api"+path, h)
	}
	server := httptest.NewServer(mux)
	stop = sync.OnceFunc(func() {
		cancel()
		server.Close()
		wait()
	})
	s.t.Cleanup(stop)
	return server.URL + "/api", stop
}

func (s *stage) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func decoded[T any](t *testing.T, text string) *T {
	t.Helper()
	v := new(T)
	if err := api.Decode([]byte(text), v); err != nil {
		t.Fatal(err)
	}
	return v
}

// abandoned makes a run of pool p whose cancellation has timed out.
func (s *stage) abandoned() uuid.UUID {
	s.t.Helper()
	ctx := s.t.Context()
	flow, _, err := s.CreateFlow(ctx, who, &api.FlowCreate{Name: "f"})
	s.ok(err)
	d, _, err := s.CreateDeployment(ctx, who, decoded[api.DeploymentCreate](s.t, fmt.Sprintf(`{"name":"d","flow_id":%q,"work_pool_name":"p"}`, flow.ID)))
	s.ok(err)
	run, _, err := s.RunDeployment(ctx, who, d.ID, decoded[api.DeploymentFlowRunCreate](s.t, "{}"))
	s.ok(err)
	s.ok(s.UpdateFlowRun(ctx, who, run.ID, decoded[api.FlowRunUpdate](s.t, `{"infrastructure_pid":"host:7"}`)))
	for _, state := range []string{"PENDING", "RUNNING", "CANCELLING"} {
		_, _, err := s.SetFlowRunState(ctx, who, run.ID, decoded[api.SetFlowRunStateRequest](s.t, fmt.Sprintf(`{"state":{"type":%q}}`, state)))
		s.ok(err)
	}
	s.ahead.Add(int64(301 * time.Second))
	s.ok(s.EndCancellations(ctx, who))
	return run.ID
}

func (s *stage) pool() {
	s.t.Helper()
	_, err := s.CreateWorkPool(s.t.Context(), who, decoded[api.WorkPoolCreate](s.t, `{"name":"p","type":"process"}`))
	s.ok(err)
}

// cleaner opens the channel of a worker that takes two requests at once; vanish ends it
// without a word.
func (s *stage) cleaner() (c *channel, vanish func()) {
	s.t.Helper()
	url, stop := s.serve()
	c = dialWorker(s.t, url, "p")
	c.send("worker.hello.v1", c.hello(map[string]any{
		"requested_capabilities": []string{"worker_heartbeat.v1", "work_pool_snapshot.v1", "cleanup_delivery.v1"},
		"handled_cleanup_kinds":  []string{"cancelling_timeout_teardown.v1"}, "max_cleanup_concurrency": 2,
	}))
	c.frame("worker.ready.v1")
	return c, stop
}

// says sends a word on a request and returns what became of it.
func (c *channel) says(operation, id, token, more string) string {
	c.t.Helper()
	c.send("cleanup."+operation+".v1", fmt.Sprintf(`{"message_id":%q,"reservation_token":%q%s}`, id, token, more))
	got := c.frame("cleanup.operation_result.v1")
	if got["message_id"] != id || got["operation"] != operation || got["request_frame_id"] == nil {
		c.t.Errorf("the answer is to another question: %v", got)
	}
	return fmt.Sprint(got["status"], " ", got["reason"])
}

func TestAWorkerTearsDownWhatACancelledRunLeft(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.pool()
	c, _ := s.cleaner()
	run := s.abandoned()
	got := c.frame("cleanup.message.v1")
	id, token := fmt.Sprint(got["message_id"]), fmt.Sprint(got["reservation_token"])
	if got["lease_expires_at"] == nil || token == "" || got["work_queue_id"] == nil {
		t.Errorf("the message is %v", got)
	}
	for _, drawn := range []string{"message_id", "reservation_token", "lease_expires_at", "work_queue_id"} {
		delete(got, drawn)
	}
	want := map[string]any{
		"kind": "cancelling_timeout_teardown.v1", "delivery_count": 1.0, "data": map[string]any{},
		"target": map[string]any{"flow_run_id": run.String(), "infrastructure_pid": "host:7"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, step := range []struct{ operation, id, token, more, want string }{
		{"ack", id, "other", "", "invalid_token reservation_token_mismatch"},
		{"ack", uuid.NewString(), token, "", "not_found message_not_found"},
		{"renew", id, token, "", "accepted <nil>"},
		{"ack", id, token, "", "accepted <nil>"},
		{"ack", id, token, "", "not_found message_not_found"},
	} {
		if got := c.says(step.operation, step.id, step.token, step.more); got != step.want {
			t.Errorf("%s is answered with %q, want %q", step.operation, got, step.want)
		}
	}
}

func TestWhatNoWorkerCanTearDownIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.pool()
	s.abandoned()
	c, _ := s.cleaner() // it is asked although it came later
	for delivery, want := range []string{"accepted <nil>", "accepted <nil>", "dead_lettered max_delivery_attempts_reached"} {
		got := c.frame("cleanup.message.v1")
		if got["delivery_count"] != float64(delivery+1) {
			t.Errorf("delivery %v, want %d", got["delivery_count"], delivery+1)
		}
		if got := c.says("release", fmt.Sprint(got["message_id"]), fmt.Sprint(got["reservation_token"]), `,"reason":"not mine"`); got != want {
			t.Errorf("release %d is answered with %q, want %q", delivery+1, got, want)
		}
	}
}

func TestAWorkerThatVanishesLosesItsRequests(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.pool()
	s.abandoned()
	c, vanish := s.cleaner()
	first := c.frame("cleanup.message.v1")
	vanish()
	s.ahead.Add(int64(31 * time.Second))
	c, _ = s.cleaner()
	second := c.frame("cleanup.message.v1")
	if first["message_id"] != second["message_id"] || second["delivery_count"] != 2.0 || first["reservation_token"] == second["reservation_token"] {
		t.Errorf("first %v, then %v", first, second)
	}
	s.counted(
		`prefect_worker_cleanup_queue_operations_total{operation="enqueue",status="accepted"} 1`,
		`prefect_worker_cleanup_queue_operations_total{operation="reserve",status="accepted"} 2`,
		`prefect_worker_cleanup_queue_lease_expirations_total{result="redelivered"} 1`,
	)
}

// counted compares what metrics tell, as the reference's do.
func (s *stage) counted(lines ...string) {
	s.t.Helper()
	var text strings.Builder
	s.ok(s.Meter.Write(&text, nil))
	for _, line := range lines {
		if !strings.Contains(text.String(), "\n"+line+"\n") {
			s.t.Errorf("metrics do not tell %s", line)
		}
	}
}

func TestAWorkerThatTakesNoRequestsGetsNone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.pool()
	s.abandoned()
	url, _ := s.serve()
	c := open(t, url)
	if got := c.says("ack", uuid.NewString(), "t", ""); got != "unauthorized cleanup_delivery_not_accepted" {
		t.Errorf("answered with %q", got)
	}
	c.send("cleanup.ack.v1", `{"message_id":"`+uuid.NewString()+`","reservation_token":""}`)
	if got := c.closed(); got != "1002 protocol_error" {
		t.Errorf("closed with %q", got)
	}
}
