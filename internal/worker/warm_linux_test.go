package worker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// lookAround is a flow that writes down all that it can see of its process, and ends as its
// parameter says.
const lookAround = `
import json, logging, os, signal, stat, sys, threading, time
from prefect import flow
from prefect.settings import get_current_settings
def look():
    main = sys.modules["__main__"]
    return {
        "cmdline": open("/proc/self/cmdline").read().split("\0"),
        "argv": sys.argv, "orig_argv": sys.orig_argv[1:], "path": sys.path, "cwd": os.getcwd(), "flags": str(sys.flags),
        "main": [main.__name__, main.__file__, main.__package__, main.__spec__.name, type(main.__loader__).__name__, sorted(vars(main))],
        "environ": dict(os.environ), "executable": sys.executable, "prefix": sys.prefix,
        "signals": {s: str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1)},
        "files": {fd: stat.S_IFMT(os.fstat(int(fd)).st_mode) for fd in ("0", "1", "2")}, "stdin": os.readlink("/proc/self/fd/0"),
        "sockets": sum(os.readlink(p).startswith("socket") for p in map("/proc/self/fd/{}".format, os.listdir("/proc/self/fd")) if os.path.islink(p)),
        "umask": os.umask(0o22), "leads": [os.getsid(0) == os.getppid(), os.getpgid(0) == os.getppid()],
        "threads": sorted(type(t).__name__ for t in threading.enumerate()), "root": logging.getLogger().level,
        "settings": get_current_settings().model_dump_json(), "parent": open("/proc/%d/cmdline" % os.getppid()).read().split("\0")[1],
    }
@flow(log_prints=True)
def f(how: str = "", mark: str = ""):
    at = time.time()
    print("looking around")
    with open(mark + ".new", "w") as out:
        json.dump([at, os.getpid(), look()], out, sort_keys=True, indent=1)
    os.rename(mark + ".new", mark)
    if how == "fail": raise ValueError("on purpose")
    if how == "exit": os._exit(3)
    if how == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if how == "term": os.kill(os.getpid(), signal.SIGTERM); time.sleep(600)
    if how == "wait": time.sleep(600)
`

// warmth is a pool with a worker that keeps interpreters warm or does not, and the flow on it.
type warmth struct {
	*scene

	deployment uuid.UUID
	worker     *testkit.Process
	keeps      int
}

func newWarmth(t *testing.T, server *testkit.Server, keeps int, variables map[string]any) *warmth {
	t.Helper()
	w := &warmth{scene: newScene(t, server), keeps: keeps}
	w.worker = w.scene.worker("w", "--warm-interpreters", strconv.Itoa(keeps))
	w.deployment, _ = w.project("look", map[string]string{"f.py": lookAround}, variables)
	return w
}

// warm are the folders of the interpreters that wait for a run.
func (w *warmth) warm() []string {
	found, err := filepath.Glob(filepath.Join(w.home, "warm", "worker-*", "spare-*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// awaitWarm waits until as many interpreters are warm as are kept.
func (w *warmth) awaitWarm() {
	w.t.Helper()
	testkit.Eventually(w.t, patience, func() error {
		if n := len(w.warm()); n != w.keeps {
			return fmt.Errorf("%d interpreters are warm, want %d", n, w.keeps)
		}
		return nil
	})
}

// look runs the flow; it returns the run and the file that the flow writes.
func (w *warmth) look(how string) (run uuid.UUID, mark string) {
	mark = filepath.Join(w.t.TempDir(), "mark")
	return w.scene.run(w.deployment, func(r *api.DeploymentFlowRunCreate) {
		r.Name = api.Some("probe")
		r.Parameters = api.Some(value(w.t, map[string]any{"how": how, "mark": mark}))
	}), mark
}

// seen is what the flow wrote.
func (w *warmth) seen(mark string) (at time.Time, pid int, what string) {
	w.t.Helper()
	var data []byte
	testkit.Eventually(w.t, patience, func() (err error) {
		data, err = os.ReadFile(mark)
		return err
	})
	var seconds float64
	if _, err := fmt.Sscanf(string(data), "[\n %f,\n %d,", &seconds, &pid); err != nil {
		w.t.Fatalf("%v: %s", err, data)
	}
	_, rest, _ := strings.Cut(string(data), "{")
	return time.UnixMicro(int64(seconds * 1e6)), pid, rest
}

var (
	anID      = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	aToken    = regexp.MustCompile(`"PREFECT__CONTROL_(PORT|TOKEN)": "[0-9a-f]+"`)
	cmdline   = regexp.MustCompile(`(?s)"cmdline": \[.*?\]`)
	aTestsDir = regexp.MustCompile(`/[^"' ]*/Test\w+/\d+`)
)

// same leaves out what differs between any two runs.
func same(text string) string {
	for _, r := range []*regexp.Regexp{anID, aToken, cmdline} {
		text = r.ReplaceAllString(text, "…")
	}
	return aTestsDir.ReplaceAllString(text, "DIR")
}

// TestWarmInterpretersAreLikeOthers compares what flows see, and what others see of their
// runs, with a worker that keeps interpreters warm and one that does not.
func TestWarmInterpretersAreLikeOthers(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	variables := map[string]any{"env": map[string]any{"OWN": canary, "PREFECT_LOGGING_LEVEL": "DEBUG"}}
	cold, warm := newWarmth(t, server, 0, variables), newWarmth(t, server, 1, variables)
	first, _ := warm.look("")
	warm.ends(first, api.StateTypeCompleted)
	ends := map[string]api.StateType{
		"": api.StateTypeCompleted, "fail": api.StateTypeFailed, "exit": api.StateTypeCrashed, "kill": api.StateTypeCrashed, "term": api.StateTypeCrashed,
		"wait": api.StateTypeCancelled,
	}
	for _, how := range []string{"", "fail", "exit", "kill", "term", "wait"} {
		var marks, told [2]string
		for i, w := range []*warmth{cold, warm} {
			w.awaitWarm()
			began := time.Now()
			run, mark := w.look(how)
			at, _, what := w.seen(mark)
			t.Logf("%q: the first line of the flow ran %s after the run was created, warm: %t", how, at.Sub(began).Round(time.Millisecond), w == warm)
			if isWarm := strings.Contains(cmdline.FindString(what), "warm.py"); isWarm != (w == warm) {
				t.Errorf("%q: warm is %t", how, isWarm)
			}
			if how == "wait" {
				if seen := argumentsWith(t, canary); len(seen) > 0 {
					t.Errorf("a variable of the run is in the arguments of processes: %v", seen)
				}
				w.cancel(run)
			}
			ended := w.ends(run, ends[how])
			w.logged(run, map[api.StateType]string{api.StateTypeCompleted: "exited cleanly", api.StateTypeCancelled: "Cancelled flow run"}[ends[how]])
			if ends[how] != api.StateTypeCancelled && ends[how] != api.StateTypeCompleted {
				w.logged(run, "exited with status code")
			}
			marks[i] = same(what)
			told[i] = same(fmt.Sprintf("%s\n%s\n%s", w.states(run), text(ended.State.Message), w.settled(run, ends[how] == api.StateTypeCrashed)))
		}
		if diff := cmp.Diff(marks[0], marks[1]); diff != "" {
			t.Errorf("%q: the flow sees (-cold +warm):\n%s", how, diff)
		}
		if diff := cmp.Diff(told[0], told[1]); diff != "" {
			t.Errorf("%q: others see (-cold +warm):\n%s", how, diff)
		}
	}
}

// duration is how long something took, in a log.
var duration = regexp.MustCompile(`\d+(\.\d+)? ?(ms|s|seconds)|Process ID \d+|0x[0-9a-f]+`)

// settled are the logs of a run that is over, in no order: those that the worker writes come
// beside those of the engine, of which a crash loses the last.
func (w *warmth) settled(run uuid.UUID, crashed bool) string {
	var lines []string
	for line := range strings.Lines(duration.ReplaceAllString(w.logs(run), "…")) {
		if !crashed || strings.Contains(line, "rocess") || strings.Contains(line, "submitt") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// canary is a secret of a run.
const canary = "canary-5b1e77a0"

// argumentsWith are the arguments of processes that have the words.
func argumentsWith(t *testing.T, words string) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		if line, err := os.ReadFile(path); err == nil && strings.Contains(string(line), words) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// TestWarmInterpretersEnd looks that none is left behind or shared, however the worker and
// the interpreters end.
func TestWarmInterpretersEnd(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	w := newWarmth(t, server, 2, nil)
	one, mark := w.look("")
	w.ends(one, api.StateTypeCompleted)
	two, _ := w.look("")
	w.ends(two, api.StateTypeCompleted)
	_, first, _ := w.seen(mark)
	w.awaitWarm()
	spares := w.processes("warm.py")
	if len(spares) != w.keeps {
		t.Fatalf("processes %v", spares)
	}
	if err := syscall.Kill(spares[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, spares[0])
	testkit.Eventually(t, patience, func() error {
		if now := w.processes("warm.py"); len(now) != w.keeps || len(w.warm()) != w.keeps {
			return fmt.Errorf("a dead interpreter is not replaced: %v", now)
		}
		return nil
	})
	three, mark := w.look("wait")
	_, third, what := w.seen(mark)
	if third == first || !strings.Contains(what, "warm.py") {
		t.Errorf("process %d after %d: %s", third, first, what)
	}
	w.awaitWarm()
	spares = w.processes("warm.py")
	w.worker.Kill()
	for _, pid := range spares {
		if pid != third {
			gone(t, pid)
		}
	}
	if err := syscall.Kill(third, 0); err != nil {
		t.Fatalf("the run died with its worker: %v", err)
	}
	next := w.scene.worker("next")
	w.is(three, api.StateTypeRunning)
	w.cancel(three)
	w.ends(three, api.StateTypeCancelled)
	gone(t, third)
	if left := w.processes(w.home); len(left) > 1 { // the worker alone
		t.Errorf("processes %v", left)
	}
	if err := syscall.Kill(next.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-next.Done()
}

// TestInterpretersAreWarmForTheFirstRuns looks that a worker gets ready for what ran last and
// for what is due next, before anything runs.
func TestInterpretersAreWarmForTheFirstRuns(t *testing.T) {
	t.Parallel()
	w := newWarmth(t, testkit.UsherServer(t), 1, map[string]any{"env": map[string]any{"OWN": canary}})
	before, _ := w.look("")
	w.ends(before, api.StateTypeCompleted)
	w.worker.Stop()
	ran := w.deployment
	due, _ := w.project("due", map[string]string{"f.py": lookAround}, nil)
	w.scene.run(due, func(r *api.DeploymentFlowRunCreate) {
		at := api.At(time.Now().Add(time.Hour))
		r.State = api.Some(api.StateCreate{Type: api.StateTypeScheduled, StateDetails: api.Some(api.StateDetails{ScheduledTime: &at})})
		r.Parameters = api.Some(value(t, map[string]any{"how": "", "mark": filepath.Join(t.TempDir(), "mark")}))
	})
	w.named("program", "true") // it needs none
	w.keeps = 2
	w.scene.worker("next", "--warm-interpreters", "2")
	w.awaitWarm()
	for _, deployment := range []uuid.UUID{ran, due} {
		w.deployment = deployment
		began := time.Now()
		run, mark := w.look("")
		w.ends(run, api.StateTypeCompleted)
		at, _, what := w.seen(mark)
		if !strings.Contains(cmdline.FindString(what), "warm.py") {
			t.Errorf("the first run of a deployment found no interpreter warm: %s", cmdline.FindString(what))
		}
		t.Logf("the first line of the flow ran %s after the run was created", at.Sub(began).Round(time.Millisecond))
	}
}

// processes are those of the scene whose arguments have the words.
func (w *warmth) processes(words string) (pids []int) {
	w.t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(line), words) || !strings.Contains(string(line), w.home) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
