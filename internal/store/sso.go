package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// SSOConnection is the identity provider of an account, by SAML 2.0.
type SSOConnection struct {
	AccountID, ID    uuid.UUID
	Created, Updated api.Time
	Name             string
	EntityID         string // of the provider
	Metadata         string // of the provider, as it was given
	Attributes       string // a JSON object: which attribute is what
}

// SSOConnection returns the provider of an account.
func (tx *Tx) SSOConnection(account uuid.UUID) (*SSOConnection, error) {
	c := &SSOConnection{}
	return c, tx.QueryRow(`
		select account_id, id, created, updated, name, entity_id, metadata, attributes
		from sso_connection
		where account_id = ?`, []any{account}, &c.AccountID, &c.ID, &c.Created, &c.Updated, &c.Name, &c.EntityID, &c.Metadata, &c.Attributes)
}

// PutSSOConnection gives an account a provider, in place of the one it has.
func (tx *Tx) PutSSOConnection(c *SSOConnection) error {
	_, err := tx.Exec(`
		insert into sso_connection (account_id, id, created, updated, name, entity_id, metadata, attributes)
		values (?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (account_id) do update set
			id = excluded.id,
			updated = excluded.updated,
			name = excluded.name,
			entity_id = excluded.entity_id,
			metadata = excluded.metadata,
			attributes = excluded.attributes`, c.AccountID, c.ID, c.Created, c.Updated, c.Name, c.EntityID, c.Metadata, c.Attributes)
	return err
}

// DeleteSSOConnection takes the provider of an account away.
func (tx *Tx) DeleteSSOConnection(account, id uuid.UUID) error {
	n, err := tx.Exec("delete from sso_connection\nwhere account_id = ?\nand id = ?", account, id)
	return known(n > 0, err)
}

// AuthArrival is who has come back from the provider of an account.
type AuthArrival struct {
	Hash                string // of the code that the browser carries on
	AccountID           uuid.UUID
	BrowserHash         *string // of the browser that has begun; nil when the provider has
	Next                string
	Issuer, Subject     string
	Email               string
	FirstName, LastName string
	Groups              string // a JSON list, "" when the provider says none
	Created, Expires    api.Time
	Used                *api.Time
}

// AddAuthArrival keeps who has come back.
func (tx *Tx) AddAuthArrival(a *AuthArrival) error {
	_, err := tx.Exec(`
		insert into auth_arrival (hash, account_id, browser_hash, next, issuer, subject, email, first_name, last_name, groups_json, created, expires, used)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.Hash, a.AccountID, a.BrowserHash, a.Next, a.Issuer, a.Subject, a.Email, a.FirstName, a.LastName, a.Groups, a.Created, a.Expires, a.Used)
	return err
}

// AuthArrival finds who has come back by the hash of the browser's code.
func (tx *Tx) AuthArrival(hash string) (*AuthArrival, error) {
	a := &AuthArrival{}
	return a, tx.QueryRow(`
		select hash, account_id, browser_hash, next, issuer, subject, email, first_name, last_name, groups_json, created, expires, used
		from auth_arrival
		where hash = ?`, []any{hash},
		&a.Hash, &a.AccountID, &a.BrowserHash, &a.Next, &a.Issuer, &a.Subject, &a.Email, &a.FirstName, &a.LastName, &a.Groups, &a.Created, &a.Expires, &a.Used)
}

// UseAuthArrival lets a browser fetch who has come back; once.
func (tx *Tx) UseAuthArrival(hash string, now api.Time) (taken bool, err error) {
	n, err := tx.Exec(`
		update auth_arrival
		set used = ?
		where hash = ?
		and used is null
		and expires > ?`, now, hash, now)
	return n == 1, err
}
