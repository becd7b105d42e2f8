package worker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// tasks are the task runs of a run as clients see them, in the order in which they began.
func (s *scene) tasks(run uuid.UUID) string {
	s.t.Helper()
	var found []api.TaskRun
	must(s.t, func() (err error) {
		found, err = s.client.ReadTaskRuns(s.t.Context(), &api.ReadTaskRunsRequest{
			TaskRuns: &api.TaskRunFilter{FlowRunID: &api.TaskRunFilterFlowRunId{Any: []uuid.UUID{run}}},
		})
		if err == nil && slices.ContainsFunc(found, func(r api.TaskRun) bool { return r.StartTime == nil }) {
			err = fmt.Errorf("a task run has not begun: %v", found)
		}
		return err
	})
	slices.SortFunc(found, func(a, b api.TaskRun) int { return a.StartTime.Compare(b.StartTime.Time) })
	var lines []string
	for _, r := range found {
		line := fmt.Sprintf("%s %s %s", r.Name, *r.StateName, text(r.State.Message))
		if (r.EndTime == nil) != (r.State.Type == api.StateTypeRunning) {
			line += fmt.Sprintf(" from %v to %v", r.StartTime, r.EndTime)
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

func (s *scene) did(run uuid.UUID, want string) {
	s.t.Helper()
	if got := s.tasks(run); got != want {
		s.t.Errorf("task runs:\n%s\nwant:\n%s", got, want)
	}
}

func programsTellOfTheirTasks(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	run := s.run(s.program(`echo "::begin:: extract all"; echo "::begin:: load"; echo "::fail:: load: no such table"; echo "::end:: extract all"; echo "::end:: nothing"; echo "::begin:: left"; exit 3`), nil)
	s.ends(run, api.StateTypeFailed)
	s.did(run, "extract all Completed\nload Failed no such table\nleft Failed The program ended within the task.")
	s.logged(run, "20 Task extract all begins\n20 Task load begins\n40 Task load failed: no such table\n20 Task extract all ended")
	s.logged(run, `the task "nothing" ends and has not begun`)
}

func programsTellOfArtifacts(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	file := filepath.Join(t.TempDir(), "lines")
	lines := "::progress:: load 40\n" +
		"::artifact:: report {\"type\": \"markdown\", \"data\": \"# Hi\", \"description\": \"of today\"}\n" +
		"::artifact:: rows {\"type\": \"table\", \"data\": [{\"a\": 1}]}\n" +
		"::artifact:: Not_a_key {\"type\": \"markdown\", \"data\": \"\"}\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	run := s.run(s.program("cat "+file), nil)
	s.ends(run, api.StateTypeCompleted)
	want := []string{`load progress 40`, `report markdown "# Hi" of today`, `rows table "[{\"a\": 1}]"`}
	got := s.artifacts(run)
	if !slices.Equal(got, want) {
		t.Errorf("artifacts %q, want %q", got, want)
	}
	s.logged(run, "20 load: 40 %\n20 Artifact report (markdown)")
	s.logged(run, "An artifact was not kept")
}

func programsSayWhyTheyFail(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	for _, c := range []struct{ script, states, message string }{
		{`echo "::failure:: Quota: first"; echo "::failure:: Quota: it is full" >&2; exit 3`, "Scheduled Pending Running AwaitingRetry Running Failed", "Quota: it is full"},
		{`echo "::failure:: Quota {\"message\": \"full\", \"retryable\": false}"; exit 3`, "Scheduled Pending Running Failed", "Quota: full"},
		{`echo "::failure:: Quota: no more"`, "Scheduled Pending Running Completed", ""},
	} {
		file := filepath.Join(t.TempDir(), "program.sh")
		if err := os.WriteFile(file, []byte(c.script), 0o600); err != nil {
			t.Fatal(err)
		}
		run := s.run(s.deploy(&api.DeploymentCreate{
			Name: "fails", FlowID: s.flow, WorkPoolName: api.Some(s.pool),
			JobVariables: api.Some(value(t, map[string]any{"command": "usher exec --retries=1 -- sh " + file})),
		}), nil)
		want := api.StateTypeFailed
		if c.message == "" {
			want = api.StateTypeCompleted
		}
		if got := s.ends(run, want); text(got.State.Message) != c.message {
			t.Errorf("%s: ended with %q, want %q", c.script, text(got.State.Message), c.message)
		}
		if got := s.states(run); got != c.states {
			t.Errorf("%s: states %s, want %s", c.script, got, c.states)
		}
		s.logged(run, "40 Quota: ")
	}
}

func programsTellTheirResult(t *testing.T, s *scene) {
	t.Helper()
	s.worker("w")
	for script, want := range map[string]string{
		`echo "::result:: 1"; echo "::result:: [2,3]"`: "result [2,3]",
		`echo "::result:: 1"; exit 3`:                  "",
		`echo "::result:: ten"`:                        "",
	} {
		run := s.run(s.program(script), nil)
		kind := api.StateTypeCompleted
		if strings.Contains(script, "exit") {
			kind = api.StateTypeFailed
		}
		s.ends(run, kind)
		if got := strings.Join(s.artifacts(run), "\n"); got != want {
			t.Errorf("%s: artifacts %q, want %q", script, got, want)
		}
	}
}

func failuresOutliveTheirWorker(t *testing.T, s *scene) {
	t.Helper()
	first := s.worker("first")
	signal := filepath.Join(t.TempDir(), "go")
	if err := syscall.Mkfifo(signal, 0o600); err != nil {
		t.Fatal(err)
	}
	run := s.run(s.program(`echo "::failure:: Quota: it is full"; read x < `+signal+`; exit 3`), nil)
	s.logged(run, "Quota: it is full")
	first.Kill()
	s.worker("second")
	if err := os.WriteFile(signal, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.ends(run, api.StateTypeFailed); text(got.State.Message) != "Quota: it is full" {
		t.Errorf("the run ended with %q", text(got.State.Message))
	}
}

func tasksOutliveTheirWorker(t *testing.T, s *scene) {
	t.Helper()
	first := s.worker("first")
	signal, mark := filepath.Join(t.TempDir(), "go"), filepath.Join(t.TempDir(), "pid")
	if err := syscall.Mkfifo(signal, 0o600); err != nil {
		t.Fatal(err)
	}
	run := s.run(s.program(`echo "::begin:: a"; echo "::begin:: b"; echo $$ > `+mark+`; read x < `+signal+`; echo "::end:: a"; echo "::begin:: c"; echo "::end:: c"`), nil)
	pidIn(t, mark)
	s.logged(run, "Task b begins")
	first.Kill()
	s.did(run, "a Running\nb Running")
	s.worker("second")
	if err := os.WriteFile(signal, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ends(run, api.StateTypeCompleted)
	s.did(run, "a Completed\nb Completed The program ended within the task.\nc Completed")
}

// artifacts are the run's artifacts, with their keys, types, data and descriptions.
func (s *scene) artifacts(run uuid.UUID) []string {
	s.t.Helper()
	var found []api.Artifact
	must(s.t, func() (err error) {
		found, err = s.client.ReadArtifacts(s.t.Context(), &api.ReadArtifactsRequest{
			Artifacts: &api.ArtifactFilter{FlowRunID: &api.Match[uuid.UUID]{Any: []uuid.UUID{run}}}, Sort: api.Some(api.ArtifactSortKeyAsc),
		})
		return err
	})
	var got []string
	for _, a := range found {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", text(a.Key), text(a.Type), a.Data, text(a.Description))))
	}
	return got
}

// TestProgramsOfTheDocumentTellOfTheirTasks runs the examples of docs/native-flows.md.
func TestProgramsOfTheDocumentTellOfTheirTasks(t *testing.T) {
	t.Parallel()
	testkit.Program(t, "node", "nodejs")
	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "native-flows.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, testkit.UsherServer(t))
	s.worker("w")
	for _, language := range []string{"sh", "go", "js"} {
		found := regexp.MustCompile("(?s)\n```" + language + "\n(.*?)\n```\n").FindSubmatch(document)
		if found == nil {
			t.Fatalf("the document has no example in %s", language)
		}
		dir := t.TempDir()
		source := filepath.Join(dir, "main."+language)
		if err := os.WriteFile(source, found[1], 0o600); err != nil {
			t.Fatal(err)
		}
		command := map[string]string{"sh": "sh " + source, "js": "node " + source, "go": filepath.Join(dir, "main")}[language]
		if language == "go" {
			if out, err := exec.Command("go", "build", "-o", command, source).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		program := s.deploy(&api.DeploymentCreate{
			Name: language, FlowID: s.flow, WorkPoolName: api.Some(s.pool),
			JobVariables: api.Some(value(t, map[string]any{"command": "usher exec --retries=3 -- " + command})),
		})
		run := s.run(program, nil)
		if got := s.ends(run, api.StateTypeFailed); text(got.State.Message) != "NoSuchTable: load found no table" {
			t.Errorf("%s: ended with %q", language, text(got.State.Message))
		}
		s.did(run, "extract Completed\nload Failed no such table")
		s.logged(run, "20 10 rows")
	}
}
