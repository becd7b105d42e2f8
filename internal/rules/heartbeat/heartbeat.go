// Package heartbeat decides about flow runs whose process tells from time to time that
// it lives: when one has been silent for too long, and what becomes of it then. Runs that
// never sent a heartbeat are none of its business. It is pure.
package heartbeat

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
)

// Event is the name of the event that a run's process sends.
const Event = "prefect.flow-run.heartbeat"

// Pulse is what is known of the heartbeats of a run.
type Pulse struct {
	StateID uuid.UUID     // of the run when it was heard of last
	Heard   api.Time      // when that was, by the server's clock
	Sent    api.Time      // when that was, by the sender's clock
	Every   time.Duration // from one heartbeat to the next; 0: only one was heard of
}

// shortest is the shortest interval that a client keeps.
const shortest = 30 * time.Second

// Next is the pulse after one more heartbeat. The interval is what passed between two
// that were sent in one state, since each attempt begins with a heartbeat of its own.
func Next(before *Pulse, state uuid.UUID, sent, heard api.Time) Pulse {
	p := Pulse{StateID: state, Heard: heard, Sent: sent}
	if before == nil {
		return p
	}
	p.Every = before.Every
	switch gap := sent.Sub(before.Sent.Time); {
	case gap <= 0: // it overtook the one before
		p.Sent = before.Sent
	case state == before.StateID:
		p.Every = max(gap, shortest)
	}
	return p
}

// Terms say how long a run may be silent.
type Terms struct {
	Usual  time.Duration // the interval of a run of which it is not known yet
	Missed int           // how many heartbeats may be missed
}

// Silence is how long a run with that pulse may be silent.
func (t Terms) Silence(p *Pulse) time.Duration {
	every := p.Every
	if every == 0 {
		every = max(t.Usual, shortest)
	}
	return time.Duration(max(t.Missed, 1)) * every
}

// Verdict is what becomes of a run that has been silent for as long as it may.
type Verdict uint8

// The verdicts.
const (
	Forget Verdict = iota // no process runs it, so none is expected to be heard of
	Wait                  // its process may rightly be silent
	End                   // its process is gone
)

// Judge decides about a run that has been silent for the time it may, at now.
func Judge(run *states.Input, silence time.Duration, now time.Time) Verdict {
	if run.Current == nil {
		return Forget
	}
	switch run.Current.Type {
	case api.StateTypeRunning, api.StateTypeCancelling:
		return End
	case api.StateTypePaused:
		if !run.Current.StateDetails.PauseReschedule {
			return Wait // its process waits, and must be there when the run goes on
		}
	case api.StateTypeScheduled:
		next := run.Run.NextScheduledStartTime
		if !states.RetriesInProcess(&run.Run.FlowPolicy) || next == nil {
			return Forget
		}
		if now.Sub(next.Time) < silence {
			return Wait // it sleeps until its retry
		}
		return End
	}
	return Forget
}

// Ended is the state of a run whose process is gone. A run that was being cancelled is
// Cancelled by that, any other has Crashed.
func Ended(run *states.Input, p *Pulse, t Terms, id uuid.UUID, now time.Time) api.State {
	every := (t.Silence(p) / time.Duration(max(t.Missed, 1))).Round(time.Second)
	message := fmt.Sprintf("The run's process was last heard of at %s; it sends a heartbeat every %s. "+
		"The process, its container or its machine has died, or cannot reach the server. ",
		p.Heard.UTC().Format("2006-01-02 15:04:05 MST"), every)
	to := api.StateTypeCancelled
	if run.Current.Type != api.StateTypeCancelling {
		to = api.StateTypeCrashed
		message += "Look for the cause in its last logs and where it ran (memory is the usual one), then start it again: usher flow-run retry " + run.ID.String()
	}
	return states.Propose(api.StateCreate{Type: to, Message: api.Some(message)}, id, now)
}
