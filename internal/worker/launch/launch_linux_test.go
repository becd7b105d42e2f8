package launch_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
	"github.com/usherhq/usher/internal/worker/launch"
)

// TestMain lets the test binary be the keeper, as our own binary is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == launch.KeeperArg {
		os.Exit(launch.Keep(os.Args[2]))
	}
	os.Exit(m.Run())
}

func start(t *testing.T, argv ...string) *launch.Process {
	t.Helper()
	p, err := launch.Launcher{Binary: os.Args[0]}.Start(t.Context(), t.TempDir(), launch.Spec{Argv: argv, Env: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func wait(t *testing.T, p *launch.Process) launch.Exit {
	t.Helper()
	select {
	case <-p.Done():
		return p.Exit()
	case <-time.After(20 * time.Second):
		t.Fatal("the program does not end")
		return launch.Exit{}
	}
}

func printed(t *testing.T, p *launch.Process) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.Dir(), launch.OutFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	notExecutable := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(notExecutable, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		argv []string
		want int
	}{
		{[]string{"sh", "-c", "exit 0"}, 0},
		{[]string{"sh", "-c", "exit 3"}, 3},
		{[]string{"sh", "-c", "kill -9 $$"}, -9},
		{[]string{"sh", "-c", "kill -15 $$"}, -15},
		{[]string{"no-such-program-anywhere"}, 127},
		{[]string{notExecutable}, 126},
	} {
		p := start(t, c.argv...)
		if got := wait(t, p); got.Code != c.want || !got.Known {
			t.Errorf("%v: %+v, want code %d", c.argv, got, c.want)
		}
	}
}

func TestOutputGoesToTheFile(t *testing.T) {
	t.Parallel()
	p := start(t, "sh", "-c", "echo one; echo two >&2")
	wait(t, p)
	if got := printed(t, p); got != "one\ntwo\n" {
		t.Errorf("printed %q", got)
	}
}

// alive says whether a process runs; a zombie does not.
func alive(pid int) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(state), ") Z ")
}

func TestStopEndsGrandchildrenToo(t *testing.T) {
	t.Parallel()
	// A grandchild in a session of its own, and one that ignores the polite signal.
	p := start(t, "sh", "-c", `setsid sh -c 'echo $$; exec tail -f /dev/null' & sh -c 'trap "" TERM; echo $$; tail -f /dev/null' & wait`)
	var pids []int
	testkit.Eventually(t, 20*time.Second, func() error {
		pids = nil
		for field := range strings.FieldsSeq(printed(t, p)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				return testkit.Final(err)
			}
			pids = append(pids, pid)
		}
		if len(pids) < 2 {
			return fmt.Errorf("only %v have started", pids)
		}
		return nil
	})
	p.Stop(t.Context(), 200*time.Millisecond)
	testkit.Eventually(t, 10*time.Second, func() error {
		for _, pid := range append(pids, p.PID()) {
			if alive(pid) {
				return fmt.Errorf("%d is alive", pid)
			}
		}
		return nil
	})
}

func TestAProgramOutlivesWhoStartedIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo := filepath.Join(t.TempDir(), "go")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// The starter is killed at once; the program goes on and ends with 7 when the fifo is written.
	starter := exec.Command(os.Args[0], "-test.run=^TestStarter$")
	starter.Env = append(os.Environ(), "LAUNCH_DIR="+dir, "LAUNCH_FIFO="+fifo)
	if err := starter.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 20*time.Second, func() error {
		_, err := os.Stat(filepath.Join(dir, "process.json"))
		return err
	})
	starter.Process.Kill() //nolint:errcheck // what the test is about
	starter.Wait()         //nolint:errcheck // killed

	p, err := launch.Adopt(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if !alive(p.PID()) {
		t.Fatal("the program died with its starter")
	}
	if err := os.WriteFile(fifo, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, p); got.Code != 7 || !got.Known {
		t.Errorf("%+v, want 7", got)
	}
}

// TestStarter is the process that TestAProgramOutlivesWhoStartedIt kills.
func TestStarter(t *testing.T) {
	dir := os.Getenv("LAUNCH_DIR")
	if dir == "" {
		return // only meant as a helper process
	}
	_, err := launch.Launcher{Binary: os.Args[0]}.Start(context.Background(), dir, launch.Spec{
		Argv: []string{"sh", "-c", "read line < " + os.Getenv("LAUNCH_FIFO") + "; exit 7"}, Env: os.Environ(),
	})
	if err != nil {
		t.Fatal(err)
	}
	<-context.Background().Done()
}

func TestAdoptFindsNothingWhereNothingWasStarted(t *testing.T) {
	t.Parallel()
	if _, err := launch.Adopt(t.Context(), t.TempDir()); err == nil {
		t.Error("no error")
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p, err := launch.Launcher{Binary: os.Args[0]}.Start(b.Context(), b.TempDir(), launch.Spec{Argv: []string{"true"}, Env: os.Environ()})
		if err != nil {
			b.Fatal(err)
		}
		<-p.Done()
	}
}

// TestAKeeperOutlivesTheWorkerItReportsTo kills the worker, in effect, before its keeper tells
// which program it started: the keeper stays and writes down how that ends.
func TestAKeeperOutlivesTheWorkerItReportsTo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "launch.json"), []byte(`{"argv":["sh","-c","exit 3"],"dir":""}`), 0o600); err != nil {
		t.Fatal(err)
	}
	hears, tells, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	hears.Close() //nolint:errcheck // nobody listens any more
	keeper := exec.CommandContext(t.Context(), os.Args[0], launch.KeeperArg, dir)
	keeper.Stdout = tells
	err = keeper.Run()
	tells.Close() //nolint:errcheck // the keeper had its own
	if err != nil {
		t.Fatalf("the keeper died: %v", err)
	}
	p, err := launch.Adopt(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := wait(t, p); got.Code != 3 || !got.Known {
		t.Errorf("%+v, want code 3", got)
	}
}
