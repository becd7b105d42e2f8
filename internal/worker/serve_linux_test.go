package worker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	s.startsWithin(300*time.Millisecond, served.ID, mark)
}
