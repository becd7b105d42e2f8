package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// DirectoryToken lets a directory write an account's people and teams.
type DirectoryToken struct {
	AccountID, ID     uuid.UUID
	Created           api.Time
	Name              string
	Suffix            string // of the secret
	Expires, LastUsed *api.Time
}

const directoryTokenColumns = "select account_id, id, created, name, suffix, expires, last_used\nfrom scim_token\n"

func scanDirectoryToken(row *Row) (t DirectoryToken, err error) {
	return t, row.Scan(&t.AccountID, &t.ID, &t.Created, &t.Name, &t.Suffix, &t.Expires, &t.LastUsed)
}

// DirectoryTokens lists the tokens of an account, the oldest first.
func (tx *Tx) DirectoryTokens(account uuid.UUID) ([]DirectoryToken, error) {
	return many(tx, directoryTokenColumns+"where account_id = ?\norder by created, id", []any{account}, scanDirectoryToken)
}

// DirectoryTokenByHash finds a token by the hash of its secret.
func (tx *Tx) DirectoryTokenByHash(hash []byte) (*DirectoryToken, error) {
	return one(tx, directoryTokenColumns+"where hash = ?", []any{hash}, scanDirectoryToken)
}

// AddDirectoryToken keeps a token.
func (tx *Tx) AddDirectoryToken(t *DirectoryToken, hash []byte) error {
	_, err := tx.Exec(`
		insert into scim_token (account_id, id, created, name, hash, suffix, expires)
		values (?, ?, ?, ?, ?, ?, ?)`, t.AccountID, t.ID, t.Created, t.Name, hash, t.Suffix, t.Expires)
	return err
}

// TouchDirectoryToken notes that a token was used.
func (tx *Tx) TouchDirectoryToken(account, id uuid.UUID, now api.Time) error {
	_, err := tx.Exec("update scim_token\nset last_used = ?\nwhere account_id = ?\nand id = ?", now, account, id)
	return err
}

// DeleteDirectoryToken ends a token.
func (tx *Tx) DeleteDirectoryToken(account, id uuid.UUID) error {
	n, err := tx.Exec("delete from scim_token\nwhere account_id = ?\nand id = ?", account, id)
	return known(n > 0, err)
}

// DirectoryUser is a person who is a member of an account.
type DirectoryUser struct {
	Membership Membership
	User       User
}

// DirectoryUsers lists the people of an account in the order in which they came.
func (tx *Tx) DirectoryUsers(account uuid.UUID) ([]DirectoryUser, error) {
	return many(tx, `
		select m.account_id, m.id, m.created, m.updated, m.actor_id, m.actor_type, m.account_role_id, m.active, m.directory_id,
		  u.id, u.created, u.updated, u.handle, u.first_name, u.last_name, u.email, u.email_norm, u.location, u.title, u.settings, u.last_login
		from account_membership m
		join auth_user u on u.id = m.actor_id
		where m.account_id = ?
		order by m.created, m.id`, []any{account}, func(row *Row) (d DirectoryUser, err error) {
		m, u := &d.Membership, &d.User
		return d, row.Scan(&m.AccountID, &m.ID, &m.Created, &m.Updated, &m.ActorID, &m.ActorType, &m.RoleID, &m.Active, &m.DirectoryID,
			&u.ID, &u.Created, &u.Updated, &u.Handle, &u.FirstName, &u.LastName, &u.Email, &u.EmailNorm, &u.Location, &u.Title, &u.Settings, &u.LastLogin)
	})
}
