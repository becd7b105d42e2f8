//go:build linux

package worker_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/testkit"
)

// shortRequests makes clients ask again when the reference's server hangs on its locked database.
const shortRequests = "PREFECT_API_REQUEST_TIMEOUT=10"

// patience is how long a test waits for something that takes seconds on a busy machine.
const patience = 90 * time.Second

// scene is a server with a process pool, and workers on it.
type scene struct {
	t      *testing.T
	server *testkit.Server
	client *client.Client
	home   string // of usher
	python testkit.Python
	pool   string
	flow   uuid.UUID
	env    []string // of its workers, besides the usual
	binary string   // of its workers, if it is not the usual one
}

func newScene(t *testing.T, server *testkit.Server) *scene {
	t.Helper()
	return newSceneOf(t, server, "process")
}

// newSceneOf makes a scene whose pool has the type.
func newSceneOf(t *testing.T, server *testkit.Server, kind string) *scene {
	t.Helper()
	c, err := client.New(client.Options{BaseURL: server.APIURL(), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, server: server, client: c, home: t.TempDir(), python: testkit.Reference(t), pool: uuid.NewString()}
	must(t, func() error {
		_, err := c.CreateWorkPool(t.Context(), &api.WorkPoolCreate{Name: s.pool, Type: api.Some(kind)})
		return err
	})
	must(t, func() error {
		flow, err := c.CreateFlow(t.Context(), &api.FlowCreate{Name: "flow-" + s.pool})
		s.flow = flow.ID
		return err
	})
	return s
}

// must repeats what a busy SQLite of the reference refuses for a moment.
func must(t *testing.T, f func() error) {
	t.Helper()
	testkit.Eventually(t, patience, func() error {
		err := f()
		if err != nil && api.CodeOf(err) != api.CodeUnavailable {
			return testkit.Final(err)
		}
		return err
	})
}

// worker starts `usher worker start` on the pool.
func (s *scene) worker(name string, args ...string) *testkit.Process {
	s.t.Helper()
	return s.command(name, append([]string{"worker", "start", "--pool", s.pool, "--name", name}, args...)...)
}

// command starts a command that runs workers, and waits for the first to have started.
func (s *scene) command(name string, argv ...string) *testkit.Process {
	s.t.Helper()
	binary := s.binary
	if binary == "" {
		binary = testkit.Usher(s.t)
	}
	cmd := exec.Command(binary, argv...)
	env := append([]string{"USHER_HOME=" + s.home, "PREFECT_WORKER_QUERY_SECONDS=1", shortRequests}, s.env...)
	cmd.Env = testkit.WithPath(s.server.Env(s.home, env...), s.python.Bin)
	p, err := testkit.StartProcess(cmd, filepath.Join(s.t.TempDir(), "worker.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		p.Stop()
		if strings.Contains(p.Log(), "DATA RACE") {
			s.t.Error("the worker has a data race")
		}
		if s.t.Failed() {
			s.t.Logf("worker %s:\n%s", name, p.Log())
		}
	})
	testkit.Eventually(s.t, patience, func() error {
		if !strings.Contains(p.Log(), "started!") {
			return fmt.Errorf("the worker has not started: %s", p.Log())
		}
		return nil
	})
	return p
}

// program deploys a shell script as a native flow.
func (s *scene) program(script string) uuid.UUID {
	s.t.Helper()
	return s.named("native", script)
}

// named is program in a deployment of that name.
func (s *scene) named(name, script string) uuid.UUID {
	s.t.Helper()
	command := "usher exec -- sh -c '" + script + "'"
	return s.deploy(&api.DeploymentCreate{
		Name: name, FlowID: s.flow, WorkPoolName: api.Some(s.pool), Entrypoint: api.Some("./program"), PullSteps: api.Some([]jsontext.Value{}),
		JobVariables: api.Some(value(s.t, map[string]any{"command": command})),
	})
}

// python deploys a Python flow; its source is in a directory of its own.
func (s *scene) pythonFlow(source string) uuid.UUID {
	s.t.Helper()
	dir := s.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.py"), []byte(source), 0o600); err != nil {
		s.t.Fatal(err)
	}
	step := map[string]any{"prefect.deployments.steps.set_working_directory": map[string]any{"directory": dir}}
	return s.deploy(&api.DeploymentCreate{
		Name: "python", FlowID: s.flow, WorkPoolName: api.Some(s.pool), Entrypoint: api.Some("f.py:f"), PullSteps: api.Some([]jsontext.Value{value(s.t, step)}),
	})
}

func (s *scene) deploy(d *api.DeploymentCreate) uuid.UUID {
	s.t.Helper()
	var id uuid.UUID
	must(s.t, func() error {
		made, err := s.client.CreateDeployment(s.t.Context(), d)
		id = made.ID
		return err
	})
	return id
}

// gated deploys a shell script that says "begun", waits for its gate to be opened and ends.
func (s *scene) gated() (deployment uuid.UUID, open func()) {
	s.t.Helper()
	gate := filepath.Join(s.t.TempDir(), "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.named("gated", "echo begun; read x < "+gate), func() {
		s.t.Helper()
		if err := os.WriteFile(gate, []byte("\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

func value(t *testing.T, v any) jsontext.Value {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// run creates a run of the deployment; change may alter the request.
func (s *scene) run(deployment uuid.UUID, change func(*api.DeploymentFlowRunCreate)) uuid.UUID {
	s.t.Helper()
	request := &api.DeploymentFlowRunCreate{IdempotencyKey: api.Some(uuid.NewString())}
	if change != nil {
		change(request)
	}
	var id uuid.UUID
	must(s.t, func() error {
		made, err := s.client.CreateFlowRunFromDeployment(s.t.Context(), deployment, request)
		id = made.ID
		return err
	})
	return id
}

// ends waits until the run has ended and checks the type of its last state.
func (s *scene) ends(run uuid.UUID, want api.StateType) api.FlowRunResponse {
	s.t.Helper()
	var got api.FlowRunResponse
	testkit.Eventually(s.t, patience, func() (err error) {
		if got, err = s.client.ReadFlowRun(s.t.Context(), run); err != nil {
			return err
		}
		switch *got.StateType {
		case want:
			return nil
		case api.StateTypeCompleted, api.StateTypeFailed, api.StateTypeCrashed, api.StateTypeCancelled:
			return testkit.Final(fmt.Errorf("the run ended %s (%s), want %s", *got.StateType, text(got.State.Message), want))
		}
		return fmt.Errorf("the run is %s %s", *got.StateType, text(got.StateName))
	})
	return got
}

// is waits until the run is in a state of the type.
func (s *scene) is(run uuid.UUID, want api.StateType) {
	s.t.Helper()
	testkit.Eventually(s.t, patience, func() error {
		got, err := s.client.ReadFlowRun(s.t.Context(), run)
		if err == nil && *got.StateType != want {
			err = fmt.Errorf("the run is %s (%s), want %s", *got.StateType, text(got.State.Message), want)
		}
		return err
	})
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// states lists the names of the run's states, oldest first.
func (s *scene) states(run uuid.UUID) string {
	s.t.Helper()
	states, err := s.client.ReadFlowRunStates(s.t.Context(), url.Values{"flow_run_id": {run.String()}})
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, state := range states {
		names = append(names, text(state.Name))
	}
	return strings.Join(names, " ")
}

// logged waits until a log of the run contains the words.
func (s *scene) logged(run uuid.UUID, words string) {
	s.t.Helper()
	testkit.Eventually(s.t, patience, func() error {
		all := s.logs(run)
		if !strings.Contains(all, words) {
			return fmt.Errorf("%q is not in the logs:\n%s", words, all)
		}
		return nil
	})
}

func (s *scene) logs(run uuid.UUID) string {
	logs, err := s.client.ReadLogs(s.t.Context(), &api.ReadLogsRequest{
		Logs: &api.LogFilter{FlowRunID: &api.Match[uuid.UUID]{Any: []uuid.UUID{run}}}, Sort: api.Some(api.LogSortTimestampAsc),
	})
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, l := range logs {
		lines = append(lines, fmt.Sprintf("%d %s", l.Level, l.Message))
	}
	return strings.Join(lines, "\n")
}

func (s *scene) cancel(run uuid.UUID) {
	s.t.Helper()
	must(s.t, func() error {
		_, err := s.client.SetFlowRunState(s.t.Context(), run, &api.SetFlowRunStateRequest{
			State: api.StateCreate{Type: api.StateTypeCancelling, Name: api.Some("Cancelling")},
		})
		return err
	})
}
