package core

import (
	"cmp"
	"time"

	"github.com/usherhq/usher/internal/rules/heartbeat"
)

// Upkeep is what an operator may say about how the control plane looks after its runs.
// What is zero is as usual.
type Upkeep struct {
	HeartbeatEvery   time.Duration // the interval of a run that was heard of once: 3 minutes
	MissedHeartbeats int           // after which its process is taken for dead: 2
	LateAfter        time.Duration // its time a run is late that nobody has started: 15 seconds
	CancellingFor    time.Duration // a run may be CANCELLING before the server ends it: 5 minutes
	Ahead            Ahead
	Presence         Presence
	Retention        Retention
}

// Ahead says how far ahead runs of schedules are made: at least so many and for so long, at
// most so many and for so long.
type Ahead struct {
	MinRuns, MaxRuns int           // 3 and 100
	MinTime, MaxTime time.Duration // an hour and 100 days
}

// Presence says when those that are not heard of count as gone.
type Presence struct {
	MissedBeats int           // of a worker: 3
	Beat        time.Duration // of a worker that does not tell its own: 30 seconds
	Deployment  time.Duration // after nobody has asked for its runs: a minute
	Queue       time.Duration // after nobody has asked for its runs: a minute
}

// Retention says for how long things are kept; zero is for ever.
type Retention struct {
	FlowRuns time.Duration            // after their end, with all that belongs to them
	Logs     time.Duration            // even if their run is kept
	Events   time.Duration            // after they occurred
	Named    map[string]time.Duration // the same for events of one name, if that is less
	Batch    int                      // how much one transaction removes: 200
}

func (u *Upkeep) silence() heartbeat.Terms {
	terms := heartbeat.Terms{Usual: 3 * time.Minute, Missed: 2}
	if u.HeartbeatEvery > 0 {
		terms.Usual = u.HeartbeatEvery
	}
	if u.MissedHeartbeats > 0 {
		terms.Missed = u.MissedHeartbeats
	}
	return terms
}

// late is how far behind its time a run is late.
func (u *Upkeep) late() time.Duration { return cmp.Or(u.LateAfter, lateAfter) }

func (r *Retention) batch() int {
	if r.Batch > 0 {
		return r.Batch
	}
	return 200
}
