package sdk_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

// scriptPatience is for the slowest script against the slowest server on a
// busy machine.
const scriptPatience = 5 * time.Minute

// modules are used by scripts and tests and no scripts themselves.
var modules = map[string]bool{"seen.py": true, "beside.py": true, "taskworkers.py": true}

func TestScripts(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if modules[filepath.Base(path)] {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".py"), func(t *testing.T) {
			t.Parallel()
			runScript(t, path)
		})
	}
}

// atOnce bounds how many scripts run at a time: each is several processes, and
// their patience should not be spent on waiting for a processor.
var atOnce = make(chan struct{}, 3)

// TestServerIsKilledAndComesBack kills our server in the middle of a flow.
func TestServerIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	py, s, home := testkit.Reference(t), testkit.UsherServer(t), t.TempDir()
	ended := make(chan error, 1)
	go func() { ended <- runIn(t.Context(), py, s, home, "testdata/outage.py") }()
	testkit.Eventually(t, scriptPatience, func() error {
		_, err := os.Stat(filepath.Join(home, "halfway"))
		return err
	})
	s.Kill()
	s.Restart(t)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func runScript(t *testing.T, path string) {
	t.Helper()
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	if err := runIn(t.Context(), testkit.Reference(t), server(t), t.TempDir(), path); err != nil {
		t.Error(err)
	}
}

// runIn runs a script in a directory of its own; the error holds its output.
func runIn(ctx context.Context, py testkit.Python, s *testkit.Server, home, path string) error {
	script, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, scriptPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, py.Python, script)
	cmd.Dir = home
	cmd.Env = testkit.WithPath(s.Env(home), py.Bin)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s against %s: %w\n%s", path, s.URL, err, out.Bytes())
	}
	return nil
}

// server starts the server under test: a fresh one of ours for each caller,
// or the one of the reference for all, as it takes so long to start.
func server(t testing.TB) *testkit.Server {
	t.Helper()
	if os.Getenv("USHER_SDK_SERVER") != "reference" {
		return testkit.UsherServer(t)
	}
	s, err := sharedReference()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stopShared ends what no single test may end.
var stopShared = func() {}

var sharedReference = sync.OnceValues(func() (*testkit.Server, error) {
	ctx := context.Background()
	py, err := testkit.InstallReference(ctx)
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "usher-sdk-*")
	if err != nil {
		return nil, err
	}
	s, err := testkit.StartReferenceServer(ctx, py, home)
	if err != nil {
		return nil, err
	}
	stopShared = func() {
		s.Stop()
		os.RemoveAll(home)
	}
	return s, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	stopShared()
	os.Exit(code)
}
