package worker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/testkit"
)

// TestARunWhosePythonDiedLeavesRunning kills the interpreter of a flow, against our server
// and the reference's. When ours has said that the run crashed, after two of its heartbeats,
// the reference's, where it died before, says that it is running.
func TestARunWhosePythonDiedLeavesRunning(t *testing.T) {
	t.Parallel()
	const often = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30"
	theirs := dies(t, testkit.ReferenceServer(t), often)
	ours := dies(t, testkit.UsherServerIn(t, t.TempDir(), often), often)
	got := ours.ends(ours.run, api.StateTypeCrashed)
	if m := text(got.State.Message); !strings.Contains(m, "it sends a heartbeat every 30s") {
		t.Errorf("message %q", m)
	}
	var still api.FlowRunResponse
	must(t, func() (err error) {
		still, err = theirs.client.ReadFlowRun(t.Context(), theirs.run)
		return err
	})
	if *still.StateType != api.StateTypeRunning {
		t.Errorf("the reference says %s: what we do better than it should be said anew", *still.StateType)
	}
}

// deceased is a run whose interpreter was killed.
type deceased struct {
	*scene

	run uuid.UUID
}

// dies begins a flow in an interpreter of its own and kills that.
func dies(t *testing.T, server *testkit.Server, env ...string) deceased {
	t.Helper()
	dir := t.TempDir()
	source, run := filepath.Join(dir, "f.py"), filepath.Join(dir, "run")
	text := `
from prefect import flow
from prefect.runtime import flow_run
import os, time
@flow
def f():
    with open("run.new", "w") as file:
        file.write(flow_run.id)
    os.rename("run.new", "run")
    while True:
        time.sleep(0.1)
f()
`
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Options{BaseURL: server.APIURL()})
	if err != nil {
		t.Fatal(err)
	}
	d := deceased{scene: &scene{t: t, server: server, client: c}}
	cmd := exec.Command(testkit.Reference(t).Python, source)
	cmd.Dir, cmd.Env = dir, server.Env(dir, env...)
	p, err := testkit.StartProcess(cmd, filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	testkit.Eventually(t, patience, func() error {
		id, err := os.ReadFile(run)
		if err == nil {
			d.run, err = uuid.Parse(string(id))
		}
		if err != nil {
			return fmt.Errorf("the flow has not begun: %w: %s", err, p.Log())
		}
		return nil
	})
	testkit.Eventually(t, patience, func() error { // its first heartbeat is heard
		page, err := c.ReadEvents(t.Context(), &api.ReadEventsRequest{Filter: &api.EventFilter{
			Event: &api.EventNameFilter{Name: []string{"prefect.flow-run.heartbeat"}},
		}})
		if err == nil && page.Total == 0 {
			err = fmt.Errorf("no heartbeat is heard: %s", p.Log())
		}
		return err
	})
	p.Kill()
	return d
}
