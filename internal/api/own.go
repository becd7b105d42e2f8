package api

import "github.com/google/uuid"

// OpReadLimitHolders is an operation that only usher has.
var OpReadLimitHolders = Operation{"ReadLimitHolders", "GET", "/v2/concurrency_limits/{id_or_name}/holders", "Concurrency Limits V2"}

// OwnOperations lists the operations that usher adds to the contract. No client of the
// contract asks for them.
func OwnOperations() []Operation { return []Operation{OpReadLimitHolders} }

// LimitHolder is who holds slots of a concurrency limit: a lease, and the run that it was
// given to, as far as the one who asked for the slots said.
type LimitHolder struct {
	LeaseID  uuid.UUID  `json:"lease_id"`
	Slots    int        `json:"slots"`
	Acquired Time       `json:"acquired"`
	Expires  *Time      `json:"expires"` // null: when the holder gives them back
	Type     *string    `json:"type"`    // flow_run, task_run or deployment
	ID       *uuid.UUID `json:"id"`
	Name     *string    `json:"name"` // null when the run is gone
	State    *string    `json:"state"`
}
