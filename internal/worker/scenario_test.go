//go:build linux

package worker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// scenario is what has to hold whatever server the worker works for.
type scenario struct {
	name      string
	ourselves bool // only against our server: what it shows does not depend on the server
	play      func(*testing.T, *scene)
}

// atOnce is how many scenarios play at a time.
const atOnce = 2

// TestScenarios plays the scenarios, each on a pool of its own.
func TestScenarios(t *testing.T) {
	t.Parallel()
	server, slots := testkit.UsherServer(t), make(chan struct{}, atOnce)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			s.play(t, newScene(t, server))
		})
	}
}

// TestScenariosOnTheReference plays them against the reference's server, one after the
// other and beside no other test: its SQLite locks up when the machine is busy.
func TestScenariosOnTheReference(t *testing.T) {
	server := testkit.ReferenceServer(t)
	for _, s := range scenarios() {
		if s.ourselves {
			continue
		}
		t.Run(s.name, func(t *testing.T) { s.play(t, newScene(t, server)) })
	}
}

func scenarios() []scenario {
	return []scenario{
		{"programs end as their exit code says", false, programsEndAsTheirExitCodeSays},
		{"programs tell of their tasks", false, programsTellOfTheirTasks},
		{"programs tell of artifacts", false, programsTellOfArtifacts},
		{"programs say why they fail", false, programsSayWhyTheyFail},
		{"programs tell their result", false, programsTellTheirResult},
		{"failures outlive their worker", false, failuresOutliveTheirWorker},
		{"tasks outlive their worker", false, tasksOutliveTheirWorker},
		{"a program that is not there crashes the run", true, aProgramThatIsNotThereCrashesTheRun},
		{"python flows run", false, pythonFlowsRun},
		{"crashes carry the exit code", false, crashesCarryTheExitCode},
		{"without python the run crashes with a hint", true, withoutPythonTheRunCrashesWithAHint},
		{"cancellation ends the whole process tree", false, cancellationEndsTheWholeProcessTree},
		{"an engine that hears nothing is cancelled all the same", false, anEngineThatHearsNothingIsCancelledAllTheSame},
		{"cancellation ends a program", false, cancellationEndsAProgram},
		{"a killed worker leaves nothing stuck", false, aKilledWorkerLeavesNothingStuck},
		{"a flow that dies with its worker is crashed by the next", true, aFlowThatDiesWithItsWorkerIsCrashedByTheNext},
		{"two workers run each run once", true, twoWorkersRunEachRunOnce},
		{"an interrupt lets runs finish", true, anInterruptLetsRunsFinish},
		{"a second interrupt ends runs", true, aSecondInterruptEndsRuns},
		{"retries run the program again", false, retriesRunTheProgramAgain},
		{"the reference's worker runs programs too", false, theReferencesWorkerRunsProgramsToo},
	}
}

func programsEndAsTheirExitCodeSays(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	program := s.program(`echo "to stdout"; echo "::warning::to stderr" >&2; echo "$USHER_PARAM_WORD"; exit "${USHER_PARAM_CODE:-0}"`)
	with := func(parameters map[string]any) func(*api.DeploymentFlowRunCreate) {
		return func(r *api.DeploymentFlowRunCreate) { r.Parameters = api.Some(value(t, parameters)) }
	}
	good := s.run(program, with(map[string]any{"word": "a b"}))
	s.ends(good, api.StateTypeCompleted)
	s.logged(good, "20 to stdout\n30 to stderr\n20 a b")
	bad := s.run(program, with(map[string]any{"code": 3}))
	if got := s.ends(bad, api.StateTypeFailed); text(got.State.Message) != "Process exited with status code 3." {
		t.Errorf("message %q", text(got.State.Message))
	}
	if got := s.states(good); got != "Scheduled Pending Running Completed" {
		t.Errorf("states %s", got)
	}
}

func aProgramThatIsNotThereCrashesTheRun(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	missing := s.deploy(&api.DeploymentCreate{
		Name: "missing", FlowID: s.flow, WorkPoolName: api.Some(s.pool),
		JobVariables: api.Some(value(t, map[string]any{"command": "usher exec -- ./no-such-program"})),
	})
	got := s.ends(s.run(missing, nil), api.StateTypeCrashed)
	if !strings.Contains(text(got.State.Message), "127") {
		t.Errorf("message %q", text(got.State.Message))
	}
}

func pythonFlowsRun(t *testing.T, s *scene) {
	t.Helper()
	w := s.worker("w")
	run := s.run(s.pythonFlow(`
from prefect import flow
@flow(log_prints=True)
def f():
    print("hello from python")
`), nil)
	got := s.ends(run, api.StateTypeCompleted)
	s.logged(run, "hello from python")
	s.logged(run, "exited cleanly")
	// A server that locks up for long gets no labels, and the worker says so.
	labelled := strings.Contains(string(got.Labels), "prefect.worker.name") || strings.Contains(w.Log(), "could not be set")
	if text(got.InfrastructurePID) == "" || !labelled {
		t.Errorf("pid %q, labels %s", text(got.InfrastructurePID), got.Labels)
	}
}

func crashesCarryTheExitCode(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	marks := t.TempDir()
	flow := s.pythonFlow(fmt.Sprintf(`
import os, signal
from prefect import flow
def hook(flow, flow_run, state):
    open(%q + "/" + str(flow_run.id), "a").write(state.name)
@flow(on_crashed=[hook])
def f(code: int):
    if code == 1: raise ValueError("expected")
    if code < 0: os.kill(os.getpid(), -code)
    os._exit(code)
`, marks))
	for code, want := range map[int]api.StateType{1: api.StateTypeFailed, 137: api.StateTypeCrashed, -9: api.StateTypeCrashed} {
		run := s.run(flow, func(r *api.DeploymentFlowRunCreate) { r.Parameters = api.Some(value(t, map[string]any{"code": code})) })
		got := s.ends(run, want)
		if want == api.StateTypeCrashed && !strings.Contains(text(got.State.Message), fmt.Sprintf("status code %d", code)) {
			t.Errorf("code %d: %q", code, text(got.State.Message))
		}
		if want == api.StateTypeCrashed {
			hookRan(t, filepath.Join(marks, run.String()), "Crashed")
		}
	}
}

// hookRan waits for what a hook wrote, which it must have done once.
func hookRan(t *testing.T, path, want string) {
	t.Helper()
	testkit.Eventually(t, patience, func() error {
		data, err := os.ReadFile(path)
		switch {
		case err != nil || string(data) == want:
			return err
		case strings.HasPrefix(want, string(data)): // it has opened the file, and is yet to write
			return fmt.Errorf("the hook wrote %q so far, want %q", data, want)
		}
		return testkit.Final(fmt.Errorf("the hook wrote %q, want %q", data, want))
	})
}

func withoutPythonTheRunCrashesWithAHint(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w", "--python", filepath.Join(t.TempDir(), "no-python"))
	got := s.ends(s.run(s.pythonFlow("x = 1"), nil), api.StateTypeCrashed)
	if !strings.Contains(text(got.State.Message), "127") {
		t.Errorf("message %q", text(got.State.Message))
	}
}

func cancellationEndsTheWholeProcessTree(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	marks := t.TempDir()
	run := s.run(s.pythonFlow(fmt.Sprintf(`
import subprocess, time
from prefect import flow
def hook(flow, flow_run, state):
    open(%[1]q + "/hook", "a").write("x")
@flow(on_cancellation=[hook])
def f():
    child = subprocess.Popen(["sh", "-c", "trap '' TERM; echo $$ > %[1]s/child; while true; do sleep 1; done"])
    child.wait()
`, marks)), nil)
	pid := pidIn(t, filepath.Join(marks, "child"))
	s.cancel(run)
	s.ends(run, api.StateTypeCancelled)
	gone(t, pid)
	if states := s.states(run); strings.Count(states, "Cancelled") != 1 || strings.Contains(states, "Crashed") {
		t.Errorf("states %s", states)
	}
	if hooks, err := os.ReadFile(filepath.Join(marks, "hook")); err != nil || string(hooks) != "x" {
		t.Errorf("on_cancellation ran %q times: %v", hooks, err)
	}
}

// anEngineThatHearsNothing stops itself, so that neither word nor signal reaches it.
func anEngineThatHearsNothingIsCancelledAllTheSame(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	marks := t.TempDir()
	run := s.run(s.pythonFlow(fmt.Sprintf(`
import os, signal
from prefect import flow
def hook(flow, flow_run, state):
    open(%[1]q + "/hook", "a").write(state.name)
@flow(on_cancellation=[hook])
def f():
    signal.signal(signal.SIGTERM, lambda *a: os._exit(9))
    open(%[1]q + "/pid", "w").write(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGSTOP)
`, marks)), nil)
	pid := pidIn(t, filepath.Join(marks, "pid"))
	s.cancel(run)
	testkit.Eventually(t, patience, func() error { return pending(pid, syscall.SIGTERM) })
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.ends(run, api.StateTypeCancelled)
	hookRan(t, filepath.Join(marks, "hook"), "Cancelling")
	if states := s.states(run); strings.Count(states, "Cancelled") != 1 || strings.Contains(states, "Crashed") {
		t.Errorf("states %s", states)
	}
}

// pending says that a signal waits for a process that is stopped.
func pending(pid int, signal syscall.Signal) error {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return testkit.Final(err)
	}
	_, rest, _ := strings.Cut(string(status), "ShdPnd:")
	var signals uint64
	if _, err := fmt.Sscanf(rest, "%x", &signals); err != nil {
		return testkit.Final(err)
	}
	if signals&(1<<(signal-1)) == 0 {
		return fmt.Errorf("no signal %d waits for process %d", signal, pid)
	}
	return nil
}

func cancellationEndsAProgram(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	mark := filepath.Join(t.TempDir(), "pid")
	run := s.run(s.program(`echo $$ > `+mark+`; sleep 300 & wait`), nil)
	pid := pidIn(t, mark)
	s.cancel(run)
	s.ends(run, api.StateTypeCancelled)
	gone(t, pid)
}

func pidIn(t *testing.T, path string) int {
	t.Helper()
	var pid int
	testkit.Eventually(t, patience, func() error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = fmt.Sscan(string(data), &pid)
		return err
	})
	return pid
}

func gone(t *testing.T, pid int) {
	t.Helper()
	testkit.Eventually(t, patience, func() error {
		if syscall.Kill(pid, 0) == nil {
			return fmt.Errorf("process %d is alive", pid)
		}
		return nil
	})
}

func aKilledWorkerLeavesNothingStuck(t *testing.T, s *scene) {
	t.Helper()
	first := s.worker("first")
	signal := filepath.Join(t.TempDir(), "go")
	if err := syscall.Mkfifo(signal, 0o600); err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(t.TempDir(), "pid")
	ends := s.run(s.program(`echo before; echo $$ > `+mark+`; read x < `+signal+`; echo after; exit 4`), nil)
	pid := pidIn(t, mark)
	s.logged(ends, "20 before")
	first.Kill()
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the program died with its worker: %v", err)
	}
	s.worker("second")
	s.is(ends, api.StateTypeRunning)
	if err := os.WriteFile(signal, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.ends(ends, api.StateTypeFailed); text(got.State.Message) != "Process exited with status code 4." {
		t.Errorf("message %q", text(got.State.Message))
	}
	s.logged(ends, "20 after")
	if logs := s.logs(ends); strings.Count(logs, "20 before") != 1 {
		t.Errorf("logs were lost or doubled:\n%s", logs)
	}
}

func aFlowThatDiesWithItsWorkerIsCrashedByTheNext(t *testing.T, s *scene) {
	t.Helper()
	first := s.worker("first")
	mark := filepath.Join(t.TempDir(), "pid")
	run := s.run(s.pythonFlow(fmt.Sprintf(`
import os, time
from prefect import flow
@flow
def f():
    open(%q, "w").write(str(os.getpid()))
    time.sleep(600)
`, mark)), nil)
	pid := pidIn(t, mark)
	s.is(run, api.StateTypeRunning)
	first.Kill()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.worker("second")
	got := s.ends(run, api.StateTypeCrashed)
	if !strings.Contains(text(got.State.Message), "-9") {
		t.Errorf("message %q", text(got.State.Message))
	}
}

func twoWorkersRunEachRunOnce(t *testing.T, s *scene) {
	t.Helper()
	s.worker("one")
	s.worker("two")
	ledger := filepath.Join(t.TempDir(), "ledger")
	program := s.program(`echo "$USHER_FLOW_RUN_ID" >> ` + ledger)
	var runs []uuid.UUID
	for range 40 {
		runs = append(runs, s.run(program, nil))
	}
	for _, run := range runs {
		s.ends(run, api.StateTypeCompleted)
	}
	data, err := os.ReadFile(ledger)
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		if n := strings.Count(string(data), run.String()); n != 1 {
			t.Errorf("run %s was executed %d times", run, n)
		}
	}
}

func anInterruptLetsRunsFinish(t *testing.T, s *scene) {
	t.Helper()
	w := s.worker("w")
	signal, mark := filepath.Join(t.TempDir(), "go"), filepath.Join(t.TempDir(), "pid")
	if err := syscall.Mkfifo(signal, 0o600); err != nil {
		t.Fatal(err)
	}
	run := s.run(s.program(`echo $$ > `+mark+`; read x < `+signal), nil)
	pidIn(t, mark)
	if err := syscall.Kill(w.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, patience, func() error {
		if !strings.Contains(w.Log(), "Waiting for 1 flow run") {
			return fmt.Errorf("no word of waiting: %s", w.Log())
		}
		return nil
	})
	if err := os.WriteFile(signal, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ends(run, api.StateTypeCompleted)
	if err := w.Err(); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
}

func aSecondInterruptEndsRuns(t *testing.T, s *scene) {
	t.Helper()
	w := s.worker("w")
	mark := filepath.Join(t.TempDir(), "pid")
	run := s.run(s.program(`echo $$ > `+mark+`; sleep 300 & wait`), nil)
	pid := pidIn(t, mark)
	for range 2 {
		if err := syscall.Kill(w.PID(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, patience, func() error {
			if !strings.Contains(w.Log(), "Stopping") {
				return fmt.Errorf("no word of stopping")
			}
			return nil
		})
	}
	s.ends(run, api.StateTypeCrashed)
	gone(t, pid)
}

// TestAScheduledRunStartsOnTime measures, so it runs beside no other test.
func TestAScheduledRunStartsOnTime(t *testing.T) {
	s := newScene(t, testkit.UsherServer(t))
	s.worker("w")
	program := s.program("true")
	due := time.Now().Add(4 * time.Second).Truncate(time.Microsecond)
	run := s.run(program, func(r *api.DeploymentFlowRunCreate) {
		r.State = api.Some(api.StateCreate{Type: api.StateTypeScheduled, StateDetails: api.Some(api.StateDetails{ScheduledTime: api.AtPtr(due)})})
	})
	got := s.ends(run, api.StateTypeCompleted)
	late := got.StartTime.Sub(due)
	t.Logf("started %s after its time", late)
	if late < 0 || late > 100*time.Millisecond {
		t.Errorf("the run started %s after its time", late)
	}
}

func retriesRunTheProgramAgain(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	ledger := filepath.Join(t.TempDir(), "ledger")
	retried := s.deploy(&api.DeploymentCreate{
		Name: "retried", FlowID: s.flow, WorkPoolName: api.Some(s.pool),
		JobVariables: api.Some(value(t, map[string]any{"command": `usher exec --retries=2 -- sh -c 'echo "$USHER_RUN_COUNT" >> ` + ledger + `; exit 1'`})),
	})
	s.ends(s.run(retried, nil), api.StateTypeFailed)
	if data, err := os.ReadFile(ledger); err != nil || string(data) != "1\n2\n3\n" {
		t.Errorf("attempts %q: %v", data, err)
	}
}

// TestARunStartsAtOnce measures from the request that creates a run to the start of its
// program, beside no other test.
func TestARunStartsAtOnce(t *testing.T) {
	s := newScene(t, testkit.UsherServer(t))
	s.worker("w")
	mark := filepath.Join(t.TempDir(), "started")
	program := s.program("date +%s%N > " + mark)
	s.startsWithin(150*time.Millisecond, program, mark)
}

// startsWithin runs a program that writes the time in nanoseconds to mark, some times one after
// the other, and fails when half of them took longer to start.
func (s *scene) startsWithin(most time.Duration, deployment uuid.UUID, mark string) {
	s.t.Helper()
	var waits []time.Duration
	for range 9 {
		began := time.Now()
		s.ends(s.run(deployment, nil), api.StateTypeCompleted)
		data, err := os.ReadFile(mark)
		if err != nil {
			s.t.Fatal(err)
		}
		var at int64
		if _, err := fmt.Sscan(string(data), &at); err != nil {
			s.t.Fatal(err)
		}
		waits = append(waits, time.Unix(0, at).Sub(began))
	}
	slices.Sort(waits)
	s.t.Logf("from create to start: %v", waits)
	if median := waits[len(waits)/2]; median > most {
		s.t.Errorf("half of the runs waited more than %s", median)
	}
}

// theReferencesWorkerRunsProgramsToo has a worker of the reference start `usher exec`.
func theReferencesWorkerRunsProgramsToo(t *testing.T, s *scene) {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(testkit.Usher(t), filepath.Join(bin, "usher")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(s.python.Prefect, "worker", "start", "--pool", s.pool, "--name", "theirs")
	env := s.server.Env(s.home, "USHER_HOME="+s.home, "PREFECT_WORKER_QUERY_SECONDS=1", shortRequests)
	cmd.Env = testkit.WithPath(testkit.WithPath(env, s.python.Bin), bin)
	p, err := testkit.StartProcess(cmd, filepath.Join(t.TempDir(), "worker.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	program := s.program(`echo "hello $USHER_PARAM_WORD"; exit "${USHER_PARAM_CODE:-0}"`)
	good := s.run(program, func(r *api.DeploymentFlowRunCreate) { r.Parameters = api.Some(value(t, map[string]any{"word": "you"})) })
	s.ends(good, api.StateTypeCompleted)
	s.logged(good, "20 hello you")
	bad := s.run(program, func(r *api.DeploymentFlowRunCreate) { r.Parameters = api.Some(value(t, map[string]any{"code": 3})) })
	if got := s.ends(bad, api.StateTypeFailed); text(got.State.Message) != "Process exited with status code 3." {
		t.Errorf("message %q", text(got.State.Message))
	}
	mark := filepath.Join(t.TempDir(), "pid")
	stopped := s.run(s.program(`echo $$ > `+mark+`; sleep 300 & wait`), nil)
	pid := pidIn(t, mark)
	s.cancel(stopped)
	s.ends(stopped, api.StateTypeCancelled)
	gone(t, pid)
}
