package api

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// ChangeControl says whether changes of who may use an account wait for a second person.
type ChangeControl struct {
	Required bool     `json:"required" check:"required"`
	Hours    Opt[int] `json:"hours,omitzero" check:"min=1,max=720"` // how long one waits; 72 unless it says
}

// AccountChange is a change that waits, or waited, for a second person.
type AccountChange struct {
	ID        uuid.UUID      `json:"id"`
	Created   Time           `json:"created"`
	Expires   Time           `json:"expires"`
	ActorID   uuid.UUID      `json:"actor_id"`
	Actor     string         `json:"actor"`
	Method    string         `json:"method"`
	Path      string         `json:"path"`
	Body      jsontext.Value `json:"body"`   // null once it is decided
	Status    string         `json:"status"` // PENDING, EXPIRED, APPROVED, REJECTED, WITHDRAWN, FAILED
	DecidedBy *uuid.UUID     `json:"decided_by"`
	Decider   string         `json:"decider"`
	Decided   *Time          `json:"decided"`
	Outcome   *string        `json:"outcome"` // why it failed
	Detail    string         `json:"detail,omitzero"`
}
