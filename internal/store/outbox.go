package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// WaitingMail is a mail that waits to be sent.
type WaitingMail struct {
	ID           uuid.UUID
	Expires, Due api.Time
	Tries        int
	Sealed       string
}

// AddMail keeps a mail until it is sent or nobody needs it any more.
func (tx *Tx) AddMail(m *WaitingMail, now api.Time) error {
	_, err := tx.Exec(`
		insert into mail_outbox (id, created, expires, due, tries, sealed)
		values (?, ?, ?, ?, 0, ?)`, m.ID, now, m.Expires, m.Due, m.Sealed)
	return err
}

// TakeMail takes the mail that has waited longest, which no other server takes before again;
// ErrNoRows says that none is due.
func (tx *Tx) TakeMail(now, again api.Time) (*WaitingMail, error) {
	m := &WaitingMail{}
	return m, tx.QueryRow(`
		update mail_outbox
		set due = ?,
			tries = tries + 1
		where id = (select id from mail_outbox where due <= ? and expires > ? order by due limit 1)
		and due <= ?
		returning id, expires, due, tries, sealed`, []any{again, now, now, now}, &m.ID, &m.Expires, &m.Due, &m.Tries, &m.Sealed)
}

// DelayMail makes a mail wait that was taken.
func (tx *Tx) DelayMail(id uuid.UUID, due api.Time) error {
	_, err := tx.Exec("update mail_outbox\nset due = ?\nwhere id = ?", due, id)
	return err
}

// DropMail forgets a mail.
func (tx *Tx) DropMail(id uuid.UUID) error {
	_, err := tx.Exec("delete from mail_outbox\nwhere id = ?", id)
	return err
}
