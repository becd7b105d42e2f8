package ws_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/rest"
	"github.com/usherhq/usher/internal/server/ws"
	"github.com/usherhq/usher/internal/testkit"
)

// TestTheReferencesWorkerIsKilledAfterItsClaim kills a worker of the reference when it has
// claimed a run and before it starts it, and starts it again under its name: the run is
// executed, once. On the reference's server it stays PENDING for ever.
func TestTheReferencesWorkerIsKilledAfterItsClaim(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.pool()
	url, claimed := s.serveUpToClaims()
	opened := s.Clock()
	dir, env := t.TempDir(), testkit.Env(t.TempDir(), "PREFECT_API_URL="+url, "PREFECT_WORKER_QUERY_SECONDS=1", "PREFECT_WORKER_HEARTBEAT_SECONDS=1",
		"PREFECT_WORKER_PREFETCH_SECONDS=600") // the server's clock is put forward
	source := fmt.Sprintf("from prefect import flow\n@flow\ndef f():\n    open(%q, 'a').write('ran\\n')\n", filepath.Join(dir, "ledger"))
	s.ok(os.WriteFile(filepath.Join(dir, "f.py"), []byte(source), 0o600))
	run := s.waiting(fmt.Sprintf(`"path":%q,"entrypoint":"f.py:f"`, dir))
	worker := func(log string) *testkit.Process {
		cmd := exec.Command(filepath.Join(testkit.Reference(t).Bin, "prefect"), "worker", "start", "--pool", "p", "--name", "w")
		cmd.Env, cmd.Dir = env, dir
		p, err := testkit.StartProcess(cmd, filepath.Join(dir, log))
		s.ok(err)
		t.Cleanup(p.Kill)
		return p
	}
	first := worker("first.log")
	testkit.Eventually(t, time.Minute, func() error {
		select {
		case <-claimed:
			return nil
		default:
			return errors.New("the worker claims nothing: " + first.Log())
		}
	})
	first.Kill()
	second := worker("second.log")
	s.ahead.Add(int64(3 * time.Minute))
	jumped := s.Clock()
	beats := func() error {
		workers, err := s.Workers(t.Context(), who, "p", nil, 10, 0)
		s.ok(err)
		if len(workers) != 1 || workers[0].LastHeartbeatTime.Before(jumped) {
			return errors.New("the second worker is not heard of: " + second.Log())
		}
		return nil
	}
	testkit.Eventually(t, time.Minute, beats)
	testkit.Eventually(t, time.Minute, func() error {
		s.ok(s.CheckPresence(t.Context(), who))
		s.ok(s.ReleaseClaims(t.Context(), who, opened))
		got, err := s.FlowRun(t.Context(), who, run)
		s.ok(err)
		if *got.StateType != api.StateTypeCompleted {
			return fmt.Errorf("the run is %s: %s", *got.StateName, second.Log())
		}
		return nil
	})
	if ran, err := os.ReadFile(filepath.Join(dir, "ledger")); err != nil || string(ran) != "ran\n" {
		t.Errorf("executed %q, %v", ran, err)
	}
	states, err := s.FlowRunStates(t.Context(), who, run)
	s.ok(err)
	var names []string
	for _, state := range states {
		names = append(names, *state.Name)
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, "Scheduled Pending Scheduled Pending") && !strings.HasPrefix(got, "Scheduled Late Pending Scheduled Pending") {
		t.Errorf("the run's states are %s", got)
	}
}

// waiting makes a run of a deployment in pool p that is to start now.
func (s *stage) waiting(more string) uuid.UUID {
	s.t.Helper()
	ctx := s.t.Context()
	flow, _, err := s.CreateFlow(ctx, who, &api.FlowCreate{Name: "f"})
	s.ok(err)
	d, _, err := s.CreateDeployment(ctx, who, decoded[api.DeploymentCreate](s.t, fmt.Sprintf(`{"name":"d","flow_id":%q,"work_pool_name":"p",%s}`, flow.ID, more)))
	s.ok(err)
	run, _, err := s.RunDeployment(ctx, who, d.ID, decoded[api.DeploymentFlowRunCreate](s.t, "{}"))
	s.ok(err)
	return run.ID
}

// serveUpToClaims serves the API and the sockets; the first worker that has claimed a run
// gets no answer to its next request.
func (s *stage) serveUpToClaims() (url string, claimed <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	sockets, wait := ws.Handlers(ctx, s.Core, everybody{}, nil, s.Log)
	contract := (&rest.API{Core: s.Core, Log: s.Log, Sockets: sockets}).Handler()
	held, once := make(chan struct{}), sync.Once{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/labels") {
			first := false
			once.Do(func() { first = true })
			if first {
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					s.t.Error(err)
				}
				close(held)
				<-r.Context().Done()
				return
			}
		}
		contract.ServeHTTP(w, r)
	}))
	s.t.Cleanup(func() {
		cancel()
		server.CloseClientConnections()
		server.Close()
		wait()
	})
	return server.URL + "/api", held
}
