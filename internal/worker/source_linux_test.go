package worker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// TestCodeIsFetchedWithTheWorkersRights has the token of a repository in the environment of one
// worker and not of another: the first gets the code, the second does not, nobody but git asks the
// repository, and the server never knows the token or the code.
func TestCodeIsFetchedWithTheWorkersRights(t *testing.T) {
	t.Parallel()
	const token = "canary-of-the-repository"
	server, repository := testkit.UsherServer(t), testkit.StartGit(t, token)
	from := t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "program"), []byte("#!/bin/sh\n# canary-in-the-code\necho fetched\n"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	repository.Add(t, "code", from)
	step := map[string]any{"prefect.deployments.steps.git_clone": map[string]any{"repository": repository.URL + "/code.git", "access_token": "{{ $CODE_TOKEN }}"}}
	play := func(env ...string) (*scene, uuid.UUID) {
		s := newScene(t, server)
		s.env = append(env, "GIT_SSL_CAINFO="+repository.CA)
		s.worker("w")
		return s, s.run(s.deploy(&api.DeploymentCreate{
			Name: "code", FlowID: s.flow, WorkPoolName: api.Some(s.pool), PullSteps: api.Some([]jsontext.Value{value(t, step)}),
			JobVariables: api.Some(value(t, map[string]any{"command": "usher exec -- ./program"})),
		}), nil)
	}
	with, run := play("CODE_TOKEN=" + token)
	with.ends(run, api.StateTypeCompleted)
	with.logged(run, "fetched")
	before := len(repository.Calls())
	without, run := play("CODE_TOKEN=another")
	got := without.ends(run, api.StateTypeCrashed)
	if !strings.Contains(text(got.State.Message), "git_clone") {
		t.Errorf("message %q", text(got.State.Message))
	}
	for i, call := range repository.Calls() {
		switch program, rest, _ := strings.Cut(call, " "); {
		case program != "git":
			t.Errorf("the repository was asked by %s", call)
		case i >= before && strings.HasPrefix(rest, "true"):
			t.Errorf("a worker without the token was let in: %s", call)
		}
	}
	for place, all := range map[string]string{"log": server.Log(), "files": contents(t, server.Home)} {
		if strings.Contains(all, "canary-") {
			t.Errorf("the token or the code is in the server's %s", place)
		}
	}
}
