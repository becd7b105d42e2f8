package worker_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// TestASlowDiskLosesNothing runs thirty programs on a server whose disk takes a third of a
// second for each fdatasync, and kills the server in the middle of it: each program is
// executed, none twice, and each run completes.
func TestASlowDiskLosesNothing(t *testing.T) {
	t.Parallel()
	const takes = 300 * time.Millisecond
	server := testkit.UsherServerOnSlowDisk(t, takes)
	s := newScene(t, server)
	began := time.Now()
	ledger := filepath.Join(t.TempDir(), "ledger")
	program := s.program("echo $USHER_FLOW_RUN_ID >> " + ledger)
	if took := time.Since(began); took < takes {
		t.Fatalf("a write took %s: the disk is not slow", took)
	}
	s.worker("w")
	var runs []uuid.UUID
	for n := range 30 {
		runs = append(runs, s.run(program, nil))
		if n == 15 {
			s.ends(runs[0], api.StateTypeCompleted)
			server.Kill()
			server.Restart(t)
		}
	}
	for _, run := range runs {
		s.ends(run, api.StateTypeCompleted)
	}
	s.each(ledger, runs)
}
