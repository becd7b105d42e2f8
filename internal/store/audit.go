package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// AuditEntry is one thing that was done, as it was written down.
type AuditEntry struct {
	AccountID   uuid.UUID
	Seq         int64 // from 1, without a gap
	ID          uuid.UUID
	Occurred    api.Time
	Event       string
	WorkspaceID *uuid.UUID
	ActorID     *uuid.UUID
	ResourceID  string
	Entry       string // JSON, byte for byte as it was hashed
	Prev, Hash  []byte
	// RedactedBy is the number of the entry that vouches for Entry, from which somebody was
	// erased; Hash is then that of what it said before.
	RedactedBy *int64
}

// AuditHead is where the chain of an account ends. The transaction keeps others from
// appending until it ends.
func (tx *Tx) AuditHead(account uuid.UUID) (seq int64, hash []byte, err error) {
	if _, err := tx.Exec("insert into audit_head (account_id, seq, hash)\nvalues (?, 0, ?)\non conflict (account_id) do nothing", account, []byte{}); err != nil {
		return 0, nil, err
	}
	err = tx.QueryRow("select seq, hash\nfrom audit_head\nwhere account_id = ?"+tx.sql.ForUpdate(), []any{account}, &seq, &hash)
	return seq, hash, err
}

// AuditEnd is AuditHead for who only looks.
func (tx *Tx) AuditEnd(account uuid.UUID) (seq int64, hash []byte, err error) {
	err = tx.QueryRow("select seq, hash\nfrom audit_head\nwhere account_id = ?", []any{account}, &seq, &hash)
	return seq, hash, err
}

// IsAudited says that an event of that time is in the log of an account.
func (tx *Tx) IsAudited(account uuid.UUID, occurred api.Time, id uuid.UUID) (found bool, err error) {
	err = tx.QueryRow("select exists (\nselect 1\nfrom audit_entry\nwhere account_id = ?\nand occurred = ?\nand id = ?)", []any{account, occurred, id}, &found)
	return found, err
}

// AppendAudit adds an entry behind the head.
func (tx *Tx) AppendAudit(e *AuditEntry) error {
	if _, err := tx.Exec(`
		insert into audit_entry (account_id, seq, id, occurred, event, workspace_id, actor_id, resource_id, entry, prev_hash, hash)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.AccountID, e.Seq, e.ID, e.Occurred, e.Event, e.WorkspaceID, e.ActorID, e.ResourceID, e.Entry, e.Prev, e.Hash); err != nil {
		return err
	}
	_, err := tx.Exec("update audit_head\nset seq = ?, hash = ?\nwhere account_id = ?", e.Seq, e.Hash, e.AccountID)
	return err
}

// AuditEntries lists up to limit entries of an account behind a number, in order.
func (tx *Tx) AuditEntries(account uuid.UUID, after int64, limit int) ([]AuditEntry, error) {
	return many(tx, `
		select account_id, seq, id, occurred, event, workspace_id, actor_id, resource_id, entry, prev_hash, hash, redacted_by
		from audit_entry
		where account_id = ?
		and seq > ?
		order by seq
		limit ?`, []any{account, after, limit}, scanAudit)
}

func scanAudit(row *Row) (e AuditEntry, err error) {
	return e, row.Scan(&e.AccountID, &e.Seq, &e.ID, &e.Occurred, &e.Event, &e.WorkspaceID, &e.ActorID, &e.ResourceID, &e.Entry, &e.Prev, &e.Hash, &e.RedactedBy)
}

// RedactAudit puts another text in the place of an entry, for which a later one vouches.
func (tx *Tx) RedactAudit(account uuid.UUID, seq int64, entry string, by int64) error {
	_, err := tx.Exec("update audit_entry\nset entry = ?, redacted_by = ?\nwhere account_id = ?\nand seq = ?", entry, by, account, seq)
	return err
}

// AuditedAccounts lists the accounts that have a log, and zeros for what concerns none.
func (tx *Tx) AuditedAccounts() ([]uuid.UUID, error) {
	return many(tx, "select account_id\nfrom audit_head\norder by account_id", nil, func(row *Row) (id uuid.UUID, err error) { return id, row.Scan(&id) })
}
