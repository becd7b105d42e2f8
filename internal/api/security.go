package api

import "github.com/google/uuid"

// AccessRequestCreate asks for a role in a workspace for a while.
type AccessRequestCreate struct {
	WorkspaceID uuid.UUID `json:"workspace_id" check:"required"`
	RoleID      uuid.UUID `json:"workspace_role_id" check:"required"`
	Seconds     int       `json:"seconds" check:"required,min=60,max=2592000"`
	Reason      string    `json:"reason" check:"required,maxlen=1000"`
}

// AccessRequest is a request for access and what became of it: PENDING, APPROVED, DENIED,
// WITHDRAWN, REVOKED, or EXPIRED when an approved one is over.
type AccessRequest struct {
	ID          uuid.UUID  `json:"id"`
	Created     Time       `json:"created"`
	Updated     Time       `json:"updated"`
	WorkspaceID uuid.UUID  `json:"workspace_id"`
	Workspace   string     `json:"workspace"`
	ActorID     uuid.UUID  `json:"actor_id"`
	Actor       string     `json:"actor"`
	RoleID      uuid.UUID  `json:"workspace_role_id"`
	Role        string     `json:"role"`
	Seconds     int        `json:"seconds"`
	Reason      string     `json:"reason"`
	Status      string     `json:"status"`
	DecidedBy   *uuid.UUID `json:"decided_by"`
	Expires     *Time      `json:"expires"`
}

// SecurityReport says what a server makes of what the product promises about security.
type SecurityReport struct {
	Version string        `json:"version"`
	Rows    []SecurityRow `json:"rows"`
}

// SecurityRow is one promise, what the installation makes of it, and what proves it.
type SecurityRow struct {
	ID      string `json:"id"`
	Level   string `json:"level"` // must, should, operator
	Promise string `json:"promise"`
	Live    string `json:"live"`
	// Weak says that a setting takes something away from the promise.
	Weak bool `json:"weak"`
	// Proof is proven, partly proven or not proven, by Tests; Missing is what they don't show.
	Proof   string   `json:"proof"`
	Tests   []string `json:"tests"`
	Missing string   `json:"missing"`
}

// DataMapRow says of the columns of a class in a table what they are and how long they are
// kept.
type DataMapRow struct {
	Table   string   `json:"table"`
	Class   string   `json:"class"` // metadata, user, credential, log, audit
	Columns []string `json:"columns"`
	Purpose string   `json:"purpose"`
	Kept    string   `json:"kept"`
}

// AccessReviewCreate begins a review of who has access.
type AccessReviewCreate struct {
	Days int `json:"days" check:"required,min=1,max=365"`
}

// AccessReview is a look at who has access to an account, and what was decided.
type AccessReview struct {
	ID          uuid.UUID          `json:"id"`
	Created     Time               `json:"created"`
	CreatedBy   uuid.UUID          `json:"created_by"`
	Due         Time               `json:"due"`
	Overdue     bool               `json:"overdue"`
	Completed   *Time              `json:"completed"`
	CompletedBy *uuid.UUID         `json:"completed_by"`
	Items       []AccessReviewItem `json:"items"`
}

// AccessReviewItem is a member, an access to a workspace or a key, as it was when the review
// began.
type AccessReviewItem struct {
	ID        uuid.UUID  `json:"id"`
	Kind      string     `json:"kind"` // member, access, key
	Who       string     `json:"who"`
	ActorID   uuid.UUID  `json:"actor_id"`
	What      string     `json:"what"` // the role, or the key's name
	Workspace *uuid.UUID `json:"workspace_id"`
	LastUsed  *Time      `json:"last_used"`
	Expires   *Time      `json:"expires"`
	Decision  string     `json:"decision"` // keep, revoke, or "" until somebody has decided
}

// AccessReviewComplete decides about the items of a review: those of Revoke are taken away,
// the others stay.
type AccessReviewComplete struct {
	Revoke []uuid.UUID `json:"revoke" check:"required"`
}
