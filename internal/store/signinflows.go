package store

import (
	"errors"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// AuthFlow is a sign-in at another provider that was begun.
type AuthFlow struct {
	Hash             string // of its state
	Provider         string
	BrowserHash      string
	Next             string
	Created, Expires api.Time
	Used             *api.Time
	// LinkUser is who has begun, signed in, to be linked with who they are at the provider; nil
	// to sign in.
	LinkUser *uuid.UUID
}

// AddAuthFlow keeps a sign-in that was begun.
func (tx *Tx) AddAuthFlow(f *AuthFlow) error {
	_, err := tx.Exec(`
		insert into auth_flow (hash, provider, browser_hash, next, created, expires, used, link_user_id)
		values (?, ?, ?, ?, ?, ?, ?, ?)`, f.Hash, f.Provider, f.BrowserHash, f.Next, f.Created, f.Expires, f.Used, f.LinkUser)
	return err
}

// AuthFlow finds a sign-in that was begun by the hash of its state.
func (tx *Tx) AuthFlow(hash string) (*AuthFlow, error) {
	f := &AuthFlow{}
	return f, tx.QueryRow(`
		select hash, provider, browser_hash, next, created, expires, used, link_user_id
		from auth_flow
		where hash = ?`, []any{hash}, &f.Hash, &f.Provider, &f.BrowserHash, &f.Next, &f.Created, &f.Expires, &f.Used, &f.LinkUser)
}

// UseAuthFlow takes a sign-in that comes back in time; it can be taken once.
func (tx *Tx) UseAuthFlow(hash string, now api.Time) (taken bool, err error) {
	n, err := tx.Exec(`
		update auth_flow
		set used = ?
		where hash = ?
		and used is null
		and expires > ?`, now, hash, now)
	return n == 1, err
}

// DomainsToProve lists domains that were not asked about since recent, if they are not
// proven and were named after young, or since daily, if they are.
func (tx *Tx) DomainsToProve(recent, young, daily api.Time, limit int) ([]AccountDomain, error) {
	return many(tx, domainColumns+`where verified_at is null and created > ? and (checked_at is null or checked_at <= ?)
		or verified_at is not null and (checked_at is null or checked_at <= ?)
		order by checked_at, id
		limit ?`, []any{young, recent, daily, limit}, scanDomain)
}

// DomainProven notes that a domain is the account's, and says whether that is new.
func (tx *Tx) DomainProven(account, id uuid.UUID, now api.Time) (isNew bool, err error) {
	n, err := tx.Exec(`
		update account_domain
		set verified_at = ?,
			updated = ?
		where account_id = ?
		and id = ?
		and verified_at is null`, now, now, account, id)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(`
		update account_domain
		set checked_at = ?,
			failures = 0
		where account_id = ?
		and id = ?`, now, account, id)
	return n == 1, err
}

// DomainUnproven notes that nothing has proven a domain, and says how often in a row.
func (tx *Tx) DomainUnproven(account, id uuid.UUID, now api.Time) (failures int, err error) {
	err = tx.QueryRow(`
		update account_domain
		set checked_at = ?,
			failures = failures + 1
		where account_id = ?
		and id = ?
		returning failures`, []any{now, account, id}, &failures)
	if errors.Is(err, ErrNoRows) {
		err = nil
	}
	return failures, err
}
