package states

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Decision says what becomes of a proposed state. Write all of it in the transaction
// that read the Input, or nothing.
type Decision struct {
	Status       api.SetStateStatus
	Reason       string // empty when accepted
	DelaySeconds int    // of a wait

	// State is the state to write, proposed or put in its place. When it is nil the
	// current state stays.
	State *api.State
	// Run holds the run's columns as they are to be; RunChanged says that they differ
	// from the Input's, which can be so even when no state is written.
	Run        Run
	RunChanged bool
	Effects    Effects
}

// Effects are the consequences of a decision outside the run's own row and state. What
// is nil or zero has no effect.
type Effects struct {
	Acquire *Acquire   // take slots under a new lease
	Renew   *Renew     // move the expiry of a lease, if it still exists
	Release *uuid.UUID // delete this lease and give back its slots, if it still exists
	// ReleaseDeployment asks to release what the flow run holds of its deployment's limit,
	// whichever lease that is: a forced state does not carry its id on.
	ReleaseDeployment bool
	// ReleaseTaskRun asks to release every lease whose holder is this task run.
	ReleaseTaskRun bool
	Cache          *CacheEntry // remember State under a key
	Enqueue        Enqueue     // hand the task run to subscribed task workers
	Mirror         *Mirror     // force the parent task run into a state
	// Event asks for the state-change event of State, published after the commit.
	Event bool
	// Overtake asks to stop the runs of the schedule that have begun: see Overtaken.
	Overtake bool
	// CheckCancelling asks to look after the run at this time, unless it has left State.
	CheckCancelling *api.Time
}

// Acquire takes one slot of each limit under one lease, held by the run.
type Acquire struct {
	LeaseID  uuid.UUID
	LimitIDs []uuid.UUID
	TTL      time.Duration // zero: the lease never expires
}

// Renew lets a lease expire after TTL from now; never when TTL is zero.
type Renew struct {
	LeaseID uuid.UUID
	TTL     time.Duration
}

// CacheEntry maps a cache key to the state written by the decision.
type CacheEntry struct {
	Key        string
	Expiration *api.Time
}

// Mirror is a state of a subflow, copied to its task run in the parent flow: decide it
// as Proposed of that task run, with policy Minimal.
type Mirror struct {
	TaskRunID uuid.UUID
	State     api.State
}

// Enqueue says to which queue of its task key a background task run goes.
type Enqueue uint8

// The queues. Retries are handed out before scheduled runs.
const (
	NotEnqueued Enqueue = iota
	EnqueueScheduled
	EnqueueRetry
)

// CancellingTimeout is how long a run may stay CANCELLING before the server ends it.
const CancellingTimeout = 300 * time.Second

// Result is the answer to the client that proposed; current is the Input's. The HTTP
// status is 201 when the decision has a State, else 200.
func (d *Decision) Result(current *api.State) api.OrchestrationResult {
	if d.State != nil {
		current = d.State
	}
	return api.OrchestrationResult{State: current, Status: d.Status, Details: d.details()}
}

func (d *Decision) details() jsontext.Value {
	switch d.Status {
	case api.SetStateStatusReject:
		return reasoned("reject_details", d.Reason)
	case api.SetStateStatusAbort:
		return reasoned("abort_details", d.Reason)
	case api.SetStateStatusWait:
		out := append([]byte(`{"type":"wait_details","delay_seconds":`), strconv.Itoa(d.DelaySeconds)...)
		return append(quoted(append(out, `,"reason":`...), d.Reason), '}')
	}
	return jsontext.Value(`{"type":"accept_details"}`)
}

func reasoned(kind, reason string) jsontext.Value {
	return append(quoted([]byte(`{"type":"`+kind+`","reason":`), reason), '}')
}

// quoted appends text as JSON string. Invalid UTF-8, the only failure, is replaced.
func quoted(out []byte, text string) []byte {
	out, _ = jsontext.AppendQuote(out, text)
	return out
}
