package worker_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// TestWhatKeepsAFlowFromRunningIsNamed looks that the state of a run says why its flow could
// not run, and what to do about it.
func TestWhatKeepsAFlowFromRunningIsNamed(t *testing.T) {
	t.Parallel()
	s := newScene(t, testkit.UsherServer(t))
	s.worker("w")
	const good = "from prefect import flow\n@flow\ndef f(): pass\n"
	flow := func(name, source string, variables map[string]any) uuid.UUID {
		deployment, _ := s.project(name, map[string]string{"f.py": source}, variables)
		return deployment
	}
	elsewhere := s.deploy(&api.DeploymentCreate{
		Name: "elsewhere", FlowID: s.flow, WorkPoolName: api.Some(s.pool), Entrypoint: api.Some("nothere.py:f"), Path: api.Some(t.TempDir()),
	})
	noPython := filepath.Join(t.TempDir(), "no-python")
	runs := map[uuid.UUID][]string{}
	for deployment, words := range map[uuid.UUID][]string{
		flow("module", "import nosuchmodule\n"+good, nil):                      {"No module named 'nosuchmodule'", "python_environment"},
		flow("function", strings.Replace(good, "f()", "g()", 1), nil):          {"'f'", "Check the function that the entrypoint"},
		flow("syntax", good+"def (:\n", nil):                                   {"SyntaxError", "Correct the file"},
		elsewhere:                                                              {"nothere.py", "Check the entrypoint of the deployment"},
		flow("interpreter", good, map[string]any{"python": noPython}):          {noPython, "127", "correct the command or PATH"},
		flow("environment", good, map[string]any{"python_environment": "x.y"}): {"x.y is not there"},
		flow("quoting", good, map[string]any{"command": "python 'x"}):          {"is never closed"},
	} {
		runs[s.run(deployment, nil)] = words
	}
	for run, words := range runs {
		got := s.ends(run, api.StateTypeCrashed)
		for _, word := range words {
			if message := text(got.State.Message); !strings.Contains(message, word) {
				t.Errorf("%q is not in %q\n%s", word, message, s.logs(run))
			}
		}
	}
}
