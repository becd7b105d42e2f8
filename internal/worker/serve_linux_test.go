package worker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// TestServedRunsStartAtOnce measures from the request that creates a run to the start of its
// program, which usher serve executes without a work pool, and polls for seldom.
func TestServedRunsStartAtOnce(t *testing.T) {
	s := newScene(t, testkit.UsherServer(t))
	dir := t.TempDir()
	mark := filepath.Join(dir, "mark")
	if err := os.WriteFile(filepath.Join(dir, "job.sh"), []byte("#!/bin/sh\ndate +%s%N > "+mark+"\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	cmd := exec.Command(testkit.Usher(t), "serve", "./job.sh", "-n", "quick")
	cmd.Dir = dir
	cmd.Env = testkit.WithPath(s.server.Env(s.home, "USHER_HOME="+s.home, "PREFECT_RUNNER_POLL_FREQUENCY=600"), s.python.Bin)
	p, err := testkit.StartProcess(cmd, filepath.Join(t.TempDir(), "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	var served api.DeploymentResponse
	testkit.Eventually(t, patience, func() error {
		found, err := s.client.ReadDeployments(t.Context(), &api.ReadDeploymentsRequest{Deployments: &api.DeploymentFilter{
			Name: &api.Match[string]{Any: []string{"quick"}},
		}})
		if err == nil && (len(found) != 1 || !strings.Contains(p.Log(), "started!")) {
			err = fmt.Errorf("%d deployments: %s", len(found), p.Log())
		}
		if err == nil {
			served = found[0]
		}
		return err
	})
	var waits []time.Duration
	for range 9 {
		began := time.Now()
		s.ends(s.run(served.ID, nil), api.StateTypeCompleted)
		data, err := os.ReadFile(mark)
		if err != nil {
			t.Fatal(err)
		}
		var at int64
		if _, err := fmt.Sscan(string(data), &at); err != nil {
			t.Fatal(err)
		}
		waits = append(waits, time.Unix(0, at).Sub(began))
	}
	slices.Sort(waits)
	t.Logf("from create to start: %v", waits)
	if median := waits[len(waits)/2]; median > 300*time.Millisecond {
		t.Errorf("half of the runs waited more than %s", median)
	}
}
