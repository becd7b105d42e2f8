package worker_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// project deploys a flow whose directory has files, f.py among them, with job variables and
// pull steps; without steps the directory is the deployment's path.
func (s *scene) project(name string, files map[string]string, variables map[string]any, pull ...map[string]any) (deployment uuid.UUID, dir string) {
	s.t.Helper()
	dir = s.t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	create := &api.DeploymentCreate{
		Name: name, FlowID: s.flow, WorkPoolName: api.Some(s.pool), Entrypoint: api.Some("f.py:f"), Path: api.Some(dir), JobVariables: api.Some(value(s.t, variables)),
	}
	steps := make([]jsontext.Value, len(pull))
	for i, step := range pull {
		steps[i] = value(s.t, step)
	}
	create.PullSteps = api.Some(steps)
	return s.deploy(create), dir
}

// TestPythonEnvironments runs flows in environments that the worker makes with pip, of
// packages in a folder.
func TestPythonEnvironments(t *testing.T) {
	t.Parallel()
	s := newScene(t, testkit.UsherServer(t))
	packages := t.TempDir()
	testkit.ReferenceWheel(t, packages)
	testkit.Wheel(t, packages, "tinydep", "1.0", map[string]string{"tinydep.py": "value = 'one'\n"})
	s.worker("w")
	asks := func(more map[string]any) map[string]any {
		env := map[string]any{"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": packages}
		for name, value := range more {
			env[name] = value
		}
		return map[string]any{"python_environment": "auto", "env": env}
	}
	flow := "import sys, tinydep\nfrom prefect import flow\n@flow(log_prints=True)\ndef f():\n    print('tinydep', tinydep.value, sys.prefix != sys.base_prefix)\n"
	plain, _ := s.project("plain", map[string]string{"f.py": flow, "requirements.txt": "tinydep\n"}, asks(nil))
	first := s.run(plain, nil)
	s.ends(first, api.StateTypeCompleted)
	s.logged(first, "tinydep one True")
	s.logged(first, "is ready after")

	t.Run("a repository is cloned once, then asked what it needs", func(t *testing.T) {
		counted := filepath.Join(t.TempDir(), "count")
		dir := t.TempDir()
		for name, content := range map[string]string{"f.py": flow, "requirements.txt": "tinydep\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "x"}} {
			git := exec.Command("git", args...)
			git.Dir = dir
			if out, err := git.CombinedOutput(); err != nil {
				t.Fatalf("git: %v %s", err, out)
			}
		}
		cloned, _ := s.project("cloned", nil, asks(nil),
			map[string]any{"prefect.deployments.steps.git_clone": map[string]any{"repository": dir, "clone_directory_name": "there"}},
			map[string]any{"prefect.deployments.steps.run_shell_script": map[string]any{"script": "echo pulled >> " + counted, "shell": true}})
		run := s.run(cloned, nil)
		s.ends(run, api.StateTypeCompleted)
		s.logged(run, "tinydep one True")
		if strings.Contains(s.logs(run), "is ready after") {
			t.Error("the environment was made again")
		}
		if data, err := os.ReadFile(counted); err != nil || string(data) != "pulled\n" {
			t.Errorf("the steps ran: %q %v", data, err)
		}
	})

	t.Run("what can't be installed is named", func(t *testing.T) {
		missing, _ := s.project("missing", map[string]string{"f.py": flow, "requirements.txt": "nosuchdep==9\n"}, asks(nil))
		run := s.run(missing, nil)
		got := s.ends(run, api.StateTypeCrashed)
		if message := text(got.State.Message); !strings.Contains(message, "nosuchdep==9") || !strings.Contains(message, "requirements.txt") {
			t.Errorf("message %q", message)
		}
		s.logged(run, "nosuchdep==9")
	})

	t.Run("a run is cancelled while its environment is made", func(t *testing.T) {
		silent, asked := silentIndex(t)
		hanging, _ := s.project("hanging", map[string]string{"f.py": flow, "requirements.txt": "tinydep\n"},
			asks(map[string]any{"PIP_NO_INDEX": nil, "PIP_FIND_LINKS": nil, "PIP_INDEX_URL": silent, "PIP_CONFIG_FILE": os.DevNull}))
		run := s.run(hanging, nil)
		<-asked
		s.is(run, api.StateTypePending)
		s.cancel(run)
		s.ends(run, api.StateTypeCancelled)
	})

	t.Run("a directory that says nothing is told", func(t *testing.T) {
		bare, _ := s.project("bare", map[string]string{"f.py": flow}, asks(nil))
		got := s.ends(s.run(bare, nil), api.StateTypeCrashed)
		if message := text(got.State.Message); !strings.Contains(message, "there is no uv.lock, pylock.toml, requirements.txt, poetry.lock, pyproject.toml") {
			t.Errorf("message %q", message)
		}
	})
}

// silentIndex takes connections and never answers; asked tells of the first.
func silentIndex(t *testing.T) (url string, asked <-chan struct{}) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan struct{})
	go func() {
		var open []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			if open = append(open, conn); len(open) == 1 {
				close(first)
			}
		}
		for _, conn := range open {
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close() })
	return "http://" + listener.Addr().String() + "/simple/", first
}
