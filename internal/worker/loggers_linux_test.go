package worker_test

import (
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// TestLoggersTellNoPayload looks at what an unmodified flow logs by itself: that it begins and
// how it ends, and nothing of what it is given, prints or returns.
func TestLoggersTellNoPayload(t *testing.T) {
	t.Parallel()
	s := newScene(t, testkit.UsherServer(t))
	s.worker("logger")
	run := s.run(s.pythonFlow(`
from prefect import flow, task

@task
def step(x):
    print("canary-printed-by-a-task")
    return x + "canary-of-a-task"

@flow
def f(shown: str):
    print("canary-printed", shown)
    return step(shown)
`), func(r *api.DeploymentFlowRunCreate) {
		r.Parameters = api.Some(value(t, map[string]any{"shown": "canary-as-a-parameter"}))
	})
	s.ends(run, api.StateTypeCompleted)
	s.logged(run, "Finished in state Completed()")
	s.logged(run, "Beginning flow run")
	if all := s.logs(run); strings.Contains(all, "canary-") {
		t.Errorf("the log tells what the flow works on:\n%s", all)
	}
}
