package worker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// TestKillsInTheMiddleOfAHundredRuns kills the worker, then the server, then both while a
// hundred runs are on their way, some of them Python flows. Each ends, none runs twice, and one whose program was about
// to start when its worker was killed says so.
func TestKillsInTheMiddleOfAHundredRuns(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	s := newScene(t, server)
	begun := filepath.Join(t.TempDir(), "begun")
	if err := os.WriteFile(begun, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	program := s.program(`echo $USHER_FLOW_RUN_ID >> ` + begun + `; sleep 0.3; echo done`)
	flow := s.pythonFlow("import os\nfrom prefect import flow\n@flow\ndef f():\n    with open('" + begun + "', 'a') as out:\n        out.write(os.environ['PREFECT__FLOW_RUN_ID'] + '\\n')\n")
	runs := map[uuid.UUID]bool{}
	const total, inHand, everyFlow = 100, 8, 20
	for n := range total {
		deployment := program
		if n%everyFlow == everyFlow/2 {
			deployment = flow
		}
		runs[s.run(deployment, nil)] = true
	}
	lines := func() []string {
		data, err := os.ReadFile(begun)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(data))
	}
	after := func(n int) {
		testkit.Eventually(t, patience, func() error {
			if got := len(lines()); got < n {
				return fmt.Errorf("%d programs have begun, want %d", got, n)
			}
			return nil
		})
	}
	start := func() *testkit.Process { return s.worker("w", "--limit", strconv.Itoa(inHand)) }
	w := start()
	after(15)
	w.Kill()
	w = start()
	after(40)
	server.Kill()
	server.Restart(t)
	after(60)
	server.Kill()
	w.Kill()
	server.Restart(t)
	w = start()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		left, err := s.client.ReadFlowRuns(context.Background(), &api.ReadFlowRunsRequest{})
		t.Logf("what has not completed (%v):", err)
		for _, run := range left {
			if run.StateType != nil && *run.StateType != api.StateTypeCompleted {
				t.Logf("%s is %s %s: %s; it has begun: %t", run.ID, *run.StateType, text(run.StateName), text(run.State.Message), slices.Contains(lines(), run.ID.String()))
			}
		}
	})
	crashed := map[uuid.UUID]string{}
	testkit.Eventually(t, patience, func() error {
		list, err := s.client.ReadFlowRuns(t.Context(), &api.ReadFlowRunsRequest{})
		if err != nil {
			return err
		}
		open := 0
		for _, run := range list {
			switch *run.StateType {
			case api.StateTypeCompleted:
			case api.StateTypeCrashed:
				crashed[run.ID] = text(run.State.Message)
			default:
				open++
			}
		}
		if open > 0 || len(list) != total {
			return fmt.Errorf("%d of %d runs are open", open, len(list))
		}
		return nil
	})
	times := map[string]int{}
	for _, id := range lines() {
		times[id]++
	}
	for id := range runs {
		why, ended := crashed[id]
		switch n := times[id.String()]; {
		case ended && n <= 1 && why == "The worker was killed while it started the program.":
		case ended && n <= 1 && strings.HasPrefix(why, "Flow run infrastructure exited with"): // a flow whose engine gave the server up
		case ended || n != 1:
			t.Errorf("run %s ran %d times; its states were %s %s", id, n, s.states(id), why)
		}
	}
	if len(crashed) > inHand*2 {
		t.Errorf("%d runs crashed, more than two workers had in hand when they were killed", len(crashed))
	}
	select {
	case <-w.Done():
		t.Error("the worker has ended")
	default:
	}
}
