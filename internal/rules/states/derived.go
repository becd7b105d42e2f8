package states

import (
	"time"

	"github.com/usherhq/usher/internal/api"
)

// EstimatedRunTime returns how long a run has run until now, its current stretch included.
func EstimatedRunTime(run *Run, current *api.State, now time.Time) time.Duration {
	if setOf(current) != running {
		return run.TotalRunTime
	}
	return run.TotalRunTime + max(0, now.Sub(current.Timestamp.Time))
}

// Lateness returns by how much a run started, or is about to start, after it was
// expected to: estimated_start_time_delta on the wire.
func Lateness(run *Run, current *api.State, now time.Time) time.Duration {
	switch {
	case run.ExpectedStartTime == nil:
		return 0
	case run.StartTime != nil:
		return max(0, run.StartTime.Sub(run.ExpectedStartTime.Time))
	case setOf(current).has(terminal):
		return 0
	}
	return max(0, now.Sub(run.ExpectedStartTime.Time))
}
