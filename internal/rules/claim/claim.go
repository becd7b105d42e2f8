// Package claim decides about flow runs that a worker has claimed and not started, and
// that nobody will start any more: the worker is gone. It is pure.
package claim

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
)

// Claim is a run that is PENDING and that nobody starts, as it seems.
type Claim struct {
	Worker         string // "" when it died before it told its name
	Infrastructure string // that it had made for the run, "" for none
	Process        bool   // the infrastructure is a process, which starts at once
	State          string // the name of the run's state
	Since          api.Time
	Times          int  // that the run was claimed since it ran last
	Alive          bool // the worker is there, or another process of its name
}

// The bounds of a claim: how long infrastructure may take to start without anybody
// watching it, and how often a run is given back before it is the suspect.
const (
	processTime = 5 * time.Minute
	claims      = 3
)

// How long a run may stay without infrastructure while its worker is there: between the
// claim and its word that it submits the run a worker only reads a few things (Long), after
// it an image may have to be fetched (Longest).
const (
	Long    = 10 * time.Minute
	Longest = 30 * time.Minute
)

// Claimed is the name of the state that a claim proposes; what a worker does next has
// others.
const Claimed = "Pending"

// Ended is the state that the run is to have instead, with policy Minimal; nil leaves it
// as it is. Infrastructure that was made, or may be, can still start the run, which a
// crashed run allows; a run without any goes back to its queue.
func Ended(c *Claim, run, id uuid.UUID, now time.Time) *api.State {
	again := "start it again: usher flow-run retry " + run.String()
	age := now.Sub(c.Since.Time)
	switch {
	case c.Infrastructure != "" && (c.Alive || age < c.patience()):
		return nil
	case c.Infrastructure != "":
		return state(api.StateTypeCrashed, id, now, fmt.Sprintf("%s made infrastructure for this run (%s) and has not been heard of since; "+
			"the run did not start in the %s since then. Look there for the cause, then %s", c.worker(), c.Infrastructure, c.patience(), again))
	case c.Alive && c.State != Claimed && age < Longest:
		return nil
	case c.Alive && c.State != Claimed:
		return state(api.StateTypeCrashed, id, now, fmt.Sprintf("%s began to make infrastructure for this run and told of none in the %s since then: "+
			"it may have been started again meanwhile. Look at its logs, then %s", c.worker(), Longest, again))
	case c.Alive && age < Long:
		return nil
	case c.Times >= claims:
		return state(api.StateTypeCrashed, id, now, fmt.Sprintf("%d times in a row a worker claimed this run and died before it started it, the last was %s. "+
			"Look at their logs for what this run does to them, then %s", c.Times, c.worker(), again))
	case c.Alive:
		return state(api.StateTypeScheduled, id, now, fmt.Sprintf("%s claimed this run and did nothing for it in the %s since then; the run was given back, to be started anew.", c.worker(), Long))
	}
	return state(api.StateTypeScheduled, id, now, c.worker()+" claimed this run and has not been heard of since; the run was given back, for another worker to start it.")
}

func (c *Claim) patience() time.Duration {
	if c.Process {
		return processTime
	}
	return Longest
}

func (c *Claim) worker() string {
	if c.Worker == "" {
		return "A worker"
	}
	return "The worker " + c.Worker
}

func state(to api.StateType, id uuid.UUID, now time.Time, message string) *api.State {
	s := states.Propose(api.StateCreate{Type: to, Message: api.Some(message)}, id, now)
	return &s
}
