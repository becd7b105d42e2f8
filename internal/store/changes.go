package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// The states of a change that waits for a second person.
const (
	ChangePending   = "PENDING"
	ChangeApproved  = "APPROVED" // and being made, or made
	ChangeRejected  = "REJECTED"
	ChangeWithdrawn = "WITHDRAWN"
	ChangeFailed    = "FAILED" // approved, and refused when it was made
)

// AccountChange is a change of an account that somebody proposes: the request that makes it.
type AccountChange struct {
	AccountID, ID    uuid.UUID
	Created, Expires api.Time
	ActorID          uuid.UUID
	Method, Path     string
	Permission       string // that it needs in the account, "" for scopes in a workspace
	Body             string // JSON, "" once it is decided
	Status           string
	DecidedBy        *uuid.UUID
	Decided          *api.Time
	Outcome          *string // why it failed
}

const accountChangeColumns = "account_id, id, created, expires, actor_id, method, path, permission, body, status, decided_by, decided, outcome"

func scanAccountChange(row *Row) (c AccountChange, err error) {
	return c, row.Scan(&c.AccountID, &c.ID, &c.Created, &c.Expires, &c.ActorID, &c.Method, &c.Path, &c.Permission, &c.Body, &c.Status, &c.DecidedBy, &c.Decided, &c.Outcome)
}

// AccountChanges lists the changes of an account, the newest first.
func (tx *Tx) AccountChanges(account uuid.UUID, limit int) ([]AccountChange, error) {
	return many(tx, "select "+accountChangeColumns+"\nfrom account_change\nwhere account_id = ?\norder by created desc, id desc\nlimit ?", []any{account, limit}, scanAccountChange)
}

// AccountChange returns a change of an account.
func (tx *Tx) AccountChange(account, id uuid.UUID) (*AccountChange, error) {
	return one(tx, "select "+accountChangeColumns+"\nfrom account_change\nwhere account_id = ?\nand id = ?", []any{account, id}, scanAccountChange)
}

// AddAccountChange keeps a change, and forgets the bodies of those whose time is over.
func (tx *Tx) AddAccountChange(c *AccountChange) error {
	if _, err := tx.Exec("update account_change\nset body = ''\nwhere account_id = ?\nand expires < ?\nand body <> ''", c.AccountID, c.Created); err != nil {
		return err
	}
	_, err := tx.Exec("insert into account_change ("+accountChangeColumns+")\nvalues (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		c.AccountID, c.ID, c.Created, c.Expires, c.ActorID, c.Method, c.Path, c.Permission, c.Body, c.Status, c.DecidedBy, c.Decided, c.Outcome)
	return err
}

// DecideAccountChange says what becomes of a change that waits, and whether nobody has decided
// before.
func (tx *Tx) DecideAccountChange(c *AccountChange, status string, by uuid.UUID, now api.Time) (bool, error) {
	n, err := tx.Exec("update account_change\nset status = ?, decided_by = ?, decided = ?, body = ''\nwhere account_id = ?\nand id = ?\nand status = ?\nand expires > ?",
		status, by, now, c.AccountID, c.ID, ChangePending, now)
	return n == 1, err
}

// FailAccountChange notes why a change that was approved was refused.
func (tx *Tx) FailAccountChange(account, id uuid.UUID, outcome string) error {
	_, err := tx.Exec("update account_change\nset status = ?, outcome = ?\nwhere account_id = ?\nand id = ?", ChangeFailed, outcome, account, id)
	return err
}

// ChangeControl says how many hours changes of an account wait for a second person; 0: none do.
func (tx *Tx) ChangeControl(account uuid.UUID) (hours int, err error) {
	return hours, tx.QueryRow("select coalesce(max(hours), 0)\nfrom change_control\nwhere account_id = ?", []any{account}, &hours)
}

// SetChangeControl sets that; 0 for none.
func (tx *Tx) SetChangeControl(account uuid.UUID, hours int) error {
	_, err := tx.Exec("delete from change_control\nwhere account_id = ?", account)
	if err == nil && hours > 0 {
		_, err = tx.Exec("insert into change_control (account_id, hours)\nvalues (?, ?)", account, hours)
	}
	return err
}
