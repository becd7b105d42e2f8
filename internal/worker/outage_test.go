//go:build linux

package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// TestAnOutageOfTheServerLosesNothing kills the server under a running program: the worker
// stays, and what was printed and how it ended arrive when the server is back.
func TestAnOutageOfTheServerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	s := newScene(t, server)
	w := s.worker("w")
	gate, mark := filepath.Join(t.TempDir(), "go"), filepath.Join(t.TempDir(), "printed")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	run := s.run(s.program(`echo line 0; read x < `+gate+`; for i in 1 2 3 4 5; do echo line $i; done; touch `+mark+`; exit 3`), nil)
	s.logged(run, "20 line 0")
	server.Kill()
	if err := os.WriteFile(gate, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, patience, func() error {
		_, err := os.Stat(mark)
		return err
	})
	server.Restart(t)
	if got := s.ends(run, api.StateTypeFailed); text(got.State.Message) != "Process exited with status code 3." {
		t.Errorf("message %q", text(got.State.Message))
	}
	var want strings.Builder
	for i := range 6 {
		fmt.Fprintf(&want, "20 line %d\n", i)
	}
	testkit.Eventually(t, patience, func() error {
		var got strings.Builder
		for line := range strings.Lines(s.logs(run) + "\n") {
			if strings.HasPrefix(line, "20 line") {
				got.WriteString(line)
			}
		}
		if got.String() != want.String() {
			return fmt.Errorf("logs:\n%s", got.String())
		}
		return nil
	})
	again := s.run(s.program("true"), nil)
	s.ends(again, api.StateTypeCompleted)
	select {
	case <-w.Done():
		t.Error("the worker ended with its server")
	default:
	}
}

// TestAWorkerThatIsStoppedDoesNotWaitForTheServer stops a worker whose server is gone: it
// ends, and the next one reports how the run ended.
func TestAWorkerThatIsStoppedDoesNotWaitForTheServer(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	s := newScene(t, server)
	w := s.worker("w")
	run := s.run(s.program(`echo here; exec sleep 600`), nil)
	s.logged(run, "20 here")
	server.Kill()
	for _, said := range []string{"Waiting for 1 flow run", "Ending the runs in hand"} {
		if err := syscall.Kill(w.PID(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, patience, func() error {
			if !strings.Contains(w.Log(), said) {
				return fmt.Errorf("the worker does not say %q: %s", said, w.Log())
			}
			return nil
		})
	}
	select {
	case <-w.Done():
	case <-time.After(patience):
		t.Fatal("the worker waits for its server")
	}
	server.Restart(t)
	s.worker("next")
	s.ends(run, api.StateTypeCrashed)
}

// TestABrokenNetworkLosesNothing takes the network between a worker and its server away
// while a run is under way and another is to start: at once, and after it let nothing
// through for a while.
func TestABrokenNetworkLosesNothing(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	wire := testkit.StartWire(t, server)
	s := newScene(t, server)
	behind := *server
	behind.URL = wire.URL
	s.server = &behind
	s.worker("w")
	for _, breaks := range []func(){wire.Cut, wire.Stall} {
		gate, mark := filepath.Join(t.TempDir(), "go"), filepath.Join(t.TempDir(), "done")
		if err := syscall.Mkfifo(gate, 0o600); err != nil {
			t.Fatal(err)
		}
		run := s.run(s.program("echo before; read x < "+gate+"; echo after; touch "+mark), nil)
		s.logged(run, "20 before")
		breaks()
		next := s.run(s.program("true"), nil)
		if err := os.WriteFile(gate, []byte("\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, patience, func() error {
			_, err := os.Stat(mark)
			return err
		})
		s.is(run, api.StateTypeRunning) // nothing is heard of its end
		wire.Cut()
		wire.Mend()
		s.ends(run, api.StateTypeCompleted)
		s.logged(run, "20 after")
		s.ends(next, api.StateTypeCompleted)
	}
}

// TestLostAnswersStallNothing loses the first answer to each proposal of a state, which the
// server has carried out by then.
func TestLostAnswersStallNothing(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	s := newScene(t, server)
	behind := *server
	behind.URL = loseFirstAnswers(t, server.URL)
	s.server = &behind
	s.worker("w")
	ledger := filepath.Join(t.TempDir(), "ledger")
	s.ends(s.run(s.program("exit 0"), nil), api.StateTypeCompleted)
	retried := s.deploy(&api.DeploymentCreate{
		Name: "retried", FlowID: s.flow, WorkPoolName: api.Some(s.pool),
		JobVariables: api.Some(value(t, map[string]any{"command": `usher exec --retries=1 -- sh -c 'echo "$USHER_RUN_COUNT" >> ` + ledger + `; exit 1'`})),
	})
	s.ends(s.run(retried, nil), api.StateTypeFailed)
	if data, err := os.ReadFile(ledger); err != nil || string(data) != "1\n2\n" {
		t.Errorf("attempts %q: %v", data, err)
	}
	s.ends(s.run(s.pythonFlow("from prefect import flow\n@flow\ndef f(): pass\n"), nil), api.StateTypeCompleted)
}

// loseFirstAnswers stands before a server: of each body sent to set a state, the first
// answer is lost.
func loseFirstAnswers(t *testing.T, server string) string {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	var seen sync.Map
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if body := r.Request.Context().Value(bodyKey{}); body != nil {
				if _, repeated := seen.LoadOrStore(body, true); !repeated {
					return errors.New("the answer is lost")
				}
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/set_state") {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, string(body)))
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return front.URL
}

// bodyKey is where loseFirstAnswers keeps what was sent.
type bodyKey struct{}
