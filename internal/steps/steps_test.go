//go:build unix

package steps_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/steps"
	"github.com/usherhq/usher/internal/testkit"
)

// stage is a runner in a directory of its own, with what it says.
type stage struct {
	steps.Runner

	mu   sync.Mutex
	said []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{}
	s.Runner = steps.Runner{
		Dir: t.TempDir(), Env: map[string]string{"PATH": os.Getenv("PATH"), "NAME": "world", "HOME": t.TempDir()},
		Say: func(line string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.said = append(s.said, line)
		},
		Resolve: func(tree any) (any, error) { return tree, nil },
	}
	return s
}

func step(name string, args map[string]any) any { return map[string]any{name: args} }

const (
	shell = "prefect.deployments.steps.run_shell_script"
	chdir = "prefect.deployments.steps.set_working_directory"
	clone = "prefect.deployments.steps.git_clone"
)

func TestOutputsFlowFromStepToStep(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	out, err := s.Run(t.Context(), []any{
		step(shell, map[string]any{"id": "one", "script": "true\n\necho 'a  b'", "stream_output": false}),
		nil,
		step(shell, map[string]any{"id": "two", "script": "echo {{ one.stdout }} $NAME | tr a-z A-Z", "shell": true}),
		step(shell, map[string]any{"id": "three", "script": "echo $NAME+${NAME} $$ $OTHER", "expand_env_vars": true}),
		step(shell, map[string]any{"id": "four", "script": "sh -c 'echo $MORE; echo err >&2'", "env": map[string]any{"MORE": int64(7)}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, id := range []string{"one", "two", "three", "four"} {
		got[id] = out.Values[id].(map[string]any)["stdout"]
	}
	want := map[string]any{"one": "a  b", "two": "A B WORLD", "three": "world+world $ $OTHER", "four": "7"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if out.Values["stderr"] != "err" {
		t.Errorf("the last step's outputs are not flat: %v", out.Values)
	}
	if said := strings.Join(s.said, "\n"); strings.Contains(said, "a  b") || !strings.Contains(said, "world+world") {
		t.Errorf("said %s", said)
	}
}

func TestOutputsOfStepsToComeAreSaidToBeEmpty(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	out, err := s.Run(t.Context(), []any{
		step(shell, map[string]any{"id": "one", "script": "echo A {{ two.stdout }}", "stream_output": false}),
		step(shell, map[string]any{"id": "two", "script": "echo B {{ one.stdout }} {{ nobody.stdout }}", "stream_output": false}),
	})
	if err != nil || out.Values["stdout"] != "B A" {
		t.Errorf("%v %v", out.Values, err)
	}
	words := "{{ two.stdout }} is empty: the step two has not run yet. Put it first."
	if all := strings.Join(s.said, "\n"); strings.Count(all, "is empty") != 1 || !strings.Contains(all, words) {
		t.Errorf("said %s", all)
	}
}

func TestAFailingCommandEndsTheScript(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	mark := filepath.Join(s.Dir, "mark")
	_, err := s.Run(t.Context(), []any{step(shell, map[string]any{"script": "sh -c 'echo why >&2; exit 4'\ntouch " + mark})})
	if err == nil || !strings.Contains(err.Error(), "error code 4: why") || !strings.Contains(err.Error(), shell) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the script went on")
	}
}

func TestTheWorkingDirectoryMovesOn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if err := os.MkdirAll(filepath.Join(s.Dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), []any{
		step(chdir, map[string]any{"directory": "a"}), step(shell, map[string]any{"id": "where", "script": "pwd"}), step(chdir, map[string]any{"directory": "b"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Dir != filepath.Join(s.Dir, "a", "b") {
		t.Errorf("ended in %s", out.Dir)
	}
	if where := out.Values["where"].(map[string]any)["stdout"]; !strings.HasSuffix(where.(string), "/a") {
		t.Errorf("ran in %v", where)
	}
	if _, err := s.Run(t.Context(), []any{step(chdir, map[string]any{"directory": "nowhere"})}); err == nil {
		t.Error("a directory that is not there was entered")
	}
}

func TestMalformedStepsAreRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []any{
		"text", map[string]any{"a.b": nil, "c.d": nil}, map[string]any{shell: "text"}, step(shell, nil), step(chdir, nil), step(clone, nil),
		step(clone, map[string]any{"repository": "https://example.com/x.git", "branch": "-x"}),
		step(clone, map[string]any{"repository": "https://example.com/x.git", "commit_sha": "main"}),
		step(clone, map[string]any{"repository": "https://example.com/x.git", "branch": "a", "commit_sha": "abcd"}),
		step(clone, map[string]any{"repository": "https://example.com/x.git", "access_token": "t", "credentials": map[string]any{"token": "t"}}),
	} {
		if _, err := newStage(t).Run(t.Context(), []any{bad}); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

// repository makes a git repository with two branches; it returns its path and first commit.
func repository(t *testing.T) (path, first string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "repo.git")
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", path, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	git("init", "--quiet", "--initial-branch=main")
	commit := func(content string) {
		if err := os.WriteFile(filepath.Join(path, "file"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		git("add", "file")
		git("commit", "--quiet", "-m", content)
	}
	commit("one")
	first = git("rev-parse", "HEAD")
	git("checkout", "--quiet", "-b", "feature/x")
	commit("branch")
	git("checkout", "--quiet", "main")
	commit("two")
	git("config", "uploadpack.allowAnySHA1InWant", "true")
	git("config", "uploadpack.allowFilter", "true")
	return path, first
}

func TestClonesAreMadeAndBroughtUpToDate(t *testing.T) {
	t.Parallel()
	path, first := repository(t)
	url := "file://" + path
	s := newStage(t)
	for _, c := range []struct {
		args      map[string]any
		dir, file string
	}{
		{map[string]any{"repository": url}, "repo", "two"},
		{map[string]any{"repository": url, "branch": "feature/x"}, "repo-feature-x", "branch"},
		{map[string]any{"repository": url, "commit_sha": first, "clone_directory_name": "pinned"}, "pinned", "one"},
		{map[string]any{"repository": url}, "repo", "two"}, // again: the clone is there
	} {
		out, err := s.Run(t.Context(), []any{step(clone, c.args)})
		if err != nil {
			t.Fatal(err)
		}
		if out.Values["directory"] != c.dir || out.Dir != filepath.Join(s.Dir, c.dir) {
			t.Errorf("%v: directory %v, ended in %s", c.args, out.Values["directory"], out.Dir)
		}
		if data, err := os.ReadFile(filepath.Join(out.Dir, "file")); err != nil || string(data) != c.file {
			t.Errorf("%v: file holds %q: %v", c.args, data, err)
		}
	}
	other, _ := repository(t)
	if _, err := s.Run(t.Context(), []any{step(clone, map[string]any{"repository": "file://" + other})}); err == nil || !strings.Contains(err.Error(), "does not match") {
		t.Errorf("another repository took the directory: %v", err)
	}
}

func TestTokensShowNowhere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	_, err := s.Run(t.Context(), []any{step(clone, map[string]any{"repository": "https://127.0.0.1:1/org/repo.git", "access_token": "s3cret-token"})})
	if err == nil {
		t.Fatal("the clone worked")
	}
	if all := err.Error() + strings.Join(s.said, "\n"); strings.Contains(all, "s3cret-token") {
		t.Errorf("the token shows in %s", all)
	}
}

func TestOtherStepsArePythonFunctions(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Python = testkit.Reference(t).Python
	source := "async def wait(word, times=1):\n    print('noise')\n    return {'text': word * times}\ndef fail():\n    raise ValueError('no good')\n"
	if err := os.WriteFile(filepath.Join(s.Dir, "mysteps.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), []any{step("mysteps.wait", map[string]any{"id": "w", "word": "ab", "times": int64(2)})})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"text": "abab"}, out.Values["w"]); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(strings.Join(s.said, "\n"), "noise") {
		t.Errorf("said %v", s.said)
	}
	if _, err := s.Run(t.Context(), []any{step("mysteps.fail", nil)}); err == nil || !strings.Contains(err.Error(), "no good") {
		t.Errorf("error %v", err)
	}
}
