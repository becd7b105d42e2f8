package follow

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

func TestEnding(t *testing.T) {
	t.Parallel()
	begins, finished := "Beginning flow run 'a' for flow 'b'", "Finished in state Completed()"
	for name, c := range map[string]struct {
		engine bool
		state  api.StateType
		lines  []string
		want   time.Duration // how long after the end watching is over
	}{
		"a program":                  {state: api.StateTypeCompleted, want: linger},
		"the engine, all in":         {engine: true, state: api.StateTypeCompleted, lines: []string{begins, finished}, want: 0},
		"the engine, last missing":   {engine: true, state: api.StateTypeFailed, lines: []string{begins}, want: lingerMost},
		"the engine, silent":         {engine: true, state: api.StateTypeCompleted, want: engineSilent},
		"the engine, killed":         {engine: true, state: api.StateTypeCrashed, lines: []string{begins}, want: linger},
		"the worker saw its end":     {engine: true, state: api.StateTypeFailed, lines: []string{begins, "Process for flow run 'a' exited cleanly."}, want: 0},
		"once more after a retry":    {engine: true, state: api.StateTypeCompleted, lines: []string{begins, finished, begins}, want: lingerMost},
		"a word of a task ends none": {engine: true, state: api.StateTypeCompleted, lines: []string{begins, "task: " + finished}, want: lingerMost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := over(c.engine, c.state, c.lines); got < c.want || got > c.want+linger {
				t.Errorf("over after %s, want %s", got, c.want)
			}
		})
	}
}

// over plays the end of a run and returns when watching was over.
func over(engine bool, state api.StateType, lines []string) time.Duration {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e := ending{engine: engine, ended: start}
	for _, line := range lines {
		l := api.Log{Message: line}
		if rest, isTask := cutTask(line); isTask {
			task := uuid.New()
			l = api.Log{Message: rest, TaskRunID: &task}
		}
		e.hear(&l)
	}
	run := &api.FlowRunResponse{StateType: &state, State: &api.State{Type: state, Timestamp: api.At(start)}}
	for now := start; ; now = now.Add(10 * time.Millisecond) {
		if _, done := e.wait(run, 0, now); done {
			return now.Sub(start)
		}
	}
}

func cutTask(line string) (string, bool) {
	const prefix = "task: "
	if len(line) < len(prefix) || line[:len(prefix)] != prefix {
		return line, false
	}
	return line[len(prefix):], true
}

func TestMemoryForgetsOnlyWhatIsNotReadAgain(t *testing.T) {
	t.Parallel()
	var m memory
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var ids []uuid.UUID
	for i := range 100 {
		ids = append(ids, uuid.New())
		if !m.add(ids[i], at.Add(time.Duration(i)*time.Second)) {
			t.Fatalf("line %d is taken for an old one", i)
		}
		for j := max(0, i-int(overlap/time.Second)); j <= i; j++ {
			if m.add(ids[j], at.Add(time.Duration(j)*time.Second)) {
				t.Fatalf("after line %d, line %d is told again", i, j)
			}
		}
	}
	if kept := len(m.young) + len(m.old); kept > 50 {
		t.Errorf("%d lines are kept", kept)
	}
}
