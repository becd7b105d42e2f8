package testkit_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

func TestReferenceServerStartsAndStops(t *testing.T) {
	t.Parallel()
	s := testkit.ReferenceServer(t)
	res, err := http.Get(s.APIURL() + "/admin/version")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("GET /admin/version answers %s", res.Status)
	}
	s.Stop()
	if _, err := http.Get(s.URL); err == nil {
		t.Error("the server still answers after Stop")
	}
}

func TestReferenceIsThePinnedOne(t *testing.T) {
	t.Parallel()
	py := testkit.Reference(t)
	cmd := exec.Command(py.Prefect, "--version")
	cmd.Env = testkit.Env(t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	version := strings.TrimSpace(string(out))
	pins, err := os.ReadFile("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(pins)), "prefect=="+version) {
		t.Errorf("prefect %s is installed, the pins say otherwise", version)
	}
}

func TestDemoHasTheSamePins(t *testing.T) {
	t.Parallel()
	ours, err := os.ReadFile("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	demo, err := os.ReadFile(filepath.Join("..", "..", "demo", "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if string(ours) != string(demo) {
		t.Error("demo/requirements.txt and internal/testkit/requirements.txt differ: change both")
	}
}

func TestEnvHidesTheUsersSettings(t *testing.T) {
	t.Setenv("PREFECT_API_URL", "http://elsewhere")
	t.Setenv("USHER_PROFILE", "mine")
	env := testkit.Env("/h", "PREFECT_X=1")
	for _, kv := range env {
		if strings.Contains(kv, "elsewhere") || strings.Contains(kv, "mine") {
			t.Errorf("the environment holds %s", kv)
		}
	}
	for _, want := range []string{"HOME=/h", "USHER_HOME=" + filepath.Join("/h", ".usher"), "PREFECT_X=1"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing in %q", want, env)
		}
	}
}

func TestProcessGroupIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", `sleep 60 & echo $! >child; trap "" TERM; echo up; wait`)
	cmd.Dir = dir
	p, err := testkit.StartProcess(cmd, filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 10*time.Second, func() error {
		if !strings.Contains(p.Log(), "up") {
			return errors.New("the process has not printed anything")
		}
		return nil
	})
	child, err := os.ReadFile(filepath.Join(dir, "child"))
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	testkit.Eventually(t, 10*time.Second, func() error {
		if alive(t, strings.TrimSpace(string(child))) {
			return errors.New("the child outlived its parent's group")
		}
		return nil
	})
}

// alive asks the system; a killed process may stay listed as a zombie until
// it is reaped.
func alive(t *testing.T, pid string) bool {
	t.Helper()
	state, err := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("ps is needed for this test (Debian: apt-get install procps)")
	}
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

func TestUntil(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	t.Run("asks until it is so", func(t *testing.T) {
		t.Parallel()
		var asked atomic.Int32
		err := testkit.Until(t.Context(), func() error {
			if asked.Add(1) < 3 {
				return broken
			}
			return nil
		})
		if err != nil || asked.Load() != 3 {
			t.Errorf("asked %d times, %v", asked.Load(), err)
		}
	})
	t.Run("gives the last reason", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := testkit.Until(ctx, func() error { return broken })
		if !errors.Is(err, broken) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("stops at a final one", func(t *testing.T) {
		t.Parallel()
		err := testkit.Until(t.Context(), func() error { return testkit.Final(broken) })
		if !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
}
