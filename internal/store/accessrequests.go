package store

import (
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// The states of a request for access.
const (
	RequestPending   = "PENDING"
	RequestApproved  = "APPROVED"
	RequestDenied    = "DENIED"
	RequestWithdrawn = "WITHDRAWN"
	RequestRevoked   = "REVOKED" // it was approved, and taken away before its time
	RequestExpired   = "EXPIRED"
)

// AccessRequest asks for a role in a workspace for a while, which it gives once approved.
type AccessRequest struct {
	AccountID, WorkspaceID, ID uuid.UUID
	Created, Updated           api.Time
	ActorID                    uuid.UUID
	ActorType                  string
	RoleID                     uuid.UUID
	Seconds                    int
	Reason, Status             string
	DecidedBy                  *uuid.UUID
	Expires                    *api.Time // of one that was approved
}

const accessRequestColumns = "account_id, workspace_id, id, created, updated, actor_id, actor_type, workspace_role_id, seconds, reason, status, decided_by, expires"

func scanAccessRequest(row *Row) (r AccessRequest, err error) {
	return r, row.Scan(&r.AccountID, &r.WorkspaceID, &r.ID, &r.Created, &r.Updated, &r.ActorID, &r.ActorType, &r.RoleID, &r.Seconds, &r.Reason, &r.Status, &r.DecidedBy, &r.Expires)
}

// AccessRequests lists the requests of an account by an actor or for some workspaces, the
// newest first.
func (tx *Tx) AccessRequests(account, actor uuid.UUID, workspaces []uuid.UUID, limit, offset int) ([]AccessRequest, error) {
	args := []any{account, actor}
	for _, id := range workspaces {
		args = append(args, id)
	}
	in := ""
	if len(workspaces) > 0 {
		in = " or workspace_id in (?" + strings.Repeat(", ?", len(workspaces)-1) + ")"
	}
	return many(tx, "select "+accessRequestColumns+"\nfrom access_request\nwhere account_id = ?\nand (actor_id = ?"+in+")\norder by created desc, id desc\nlimit ?\noffset ?",
		append(args, limit, offset), scanAccessRequest)
}

// AccessRequest returns a request of an account.
func (tx *Tx) AccessRequest(account, id uuid.UUID) (*AccessRequest, error) {
	return one(tx, "select "+accessRequestColumns+"\nfrom access_request\nwhere account_id = ?\nand id = ?", []any{account, id}, scanAccessRequest)
}

// AddAccessRequest keeps a request.
func (tx *Tx) AddAccessRequest(r *AccessRequest) error {
	_, err := tx.Exec("insert into access_request ("+accessRequestColumns+")\nvalues (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		r.AccountID, r.WorkspaceID, r.ID, r.Created, r.Updated, r.ActorID, r.ActorType, r.RoleID, r.Seconds, r.Reason, r.Status, r.DecidedBy, r.Expires)
	return err
}

// SettleAccessRequest decides a request that is in a state, and says whether it still was.
func (tx *Tx) SettleAccessRequest(r *AccessRequest, from string) (bool, error) {
	n, err := tx.Exec("update access_request\nset status = ?, decided_by = ?, expires = ?, updated = ?\nwhere account_id = ?\nand id = ?\nand status = ?",
		r.Status, r.DecidedBy, r.Expires, r.Updated, r.AccountID, r.ID, from)
	return n == 1, err
}

// EndAccessRequests notes which approved requests are over; they give nothing since then.
func (tx *Tx) EndAccessRequests(now api.Time) error {
	_, err := tx.Exec("update access_request\nset status = ?\nwhere status = ?\nand expires <= ?", RequestExpired, RequestApproved, now)
	return err
}

// CountTimedGrants counts the requests of an account that give access now, and those that wait.
func (tx *Tx) CountTimedGrants(account uuid.UUID, now api.Time) (granted, waiting int, err error) {
	err = tx.QueryRow(`
		select coalesce(sum(case when status = 'APPROVED' and expires > ? then 1 else 0 end), 0), coalesce(sum(case when status = 'PENDING' then 1 else 0 end), 0)
		from access_request
		where account_id = ?`, []any{now, account}, &granted, &waiting)
	return granted, waiting, err
}
