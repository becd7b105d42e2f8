// Package cleanup decides about requests to workers to tear down what a run has left:
// each is handed to one worker for a while, and again to some worker until one confirms
// it or it was handed out too often. It is pure.
package cleanup

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// The kinds of requests: about a run that was cancelled and that nobody has stopped in
// time; about one that was claimed and never started, which nobody asks for.
const (
	CancellingTimeout = "cancelling_timeout_teardown.v1"
	PendingClaim      = "pending_claim_teardown.v1"
)

// The bounds of a request: how long a worker has it, and how often it is handed out.
const (
	Lease         = 30 * time.Second
	MaxDeliveries = 3
)

// Message is one request.
type Message struct {
	ID          uuid.UUID
	Created     api.Time
	WorkPoolID  uuid.UUID
	WorkQueueID *uuid.UUID
	Kind        string
	Target      jsontext.Value
	Deliveries  int
	Token       *string  // of the worker that has it, nil: nobody
	Until       api.Time // when that one loses it
}

// IsSpent says that the request was handed out as often as it may be.
func (m *Message) IsSpent() bool { return m.Deliveries >= MaxDeliveries }

// Operation is what a worker wants with a request that it has.
type Operation string

// The operations.
const (
	Ack     Operation = "ack"     // it is done
	Release Operation = "release" // somebody else may try
	Renew   Operation = "renew"   // it takes longer
)

// Result is the answer to an operation, and what becomes of the request.
type Result struct {
	Status string
	Reason string    // empty when accepted
	Until  *api.Time // of an accepted renewal
	Fate   Fate
}

// Fate is what becomes of a request.
type Fate uint8

// The fates.
const (
	Keep   Fate = iota // as it is
	Free               // nobody has it
	Remove             // it is done, or given up
)

// Operate decides about an operation of a worker of a pool on a request, nil when there
// is no such.
func Operate(m *Message, pool uuid.UUID, op Operation, token string, now api.Time) Result {
	switch {
	case m == nil:
		return Result{Status: "not_found", Reason: "message_not_found"}
	case m.WorkPoolID != pool:
		return Result{Status: "unauthorized", Reason: "work_pool_mismatch"}
	case m.Token == nil:
		return Result{Status: "not_current", Reason: "no_active_reservation"}
	case *m.Token != token:
		return Result{Status: "invalid_token", Reason: "reservation_token_mismatch"}
	case !m.Until.After(now.Time):
		return m.handBack("expired", "lease_expired")
	case op == Ack:
		return Result{Status: "accepted", Fate: Remove}
	case op == Release:
		return m.handBack("accepted", "")
	}
	until := api.At(now.Add(Lease))
	return Result{Status: "accepted", Until: &until}
}

func (m *Message) handBack(status, reason string) Result {
	if m.IsSpent() {
		return Result{Status: "dead_lettered", Reason: "max_delivery_attempts_reached", Fate: Remove}
	}
	return Result{Status: status, Reason: reason, Fate: Free}
}
