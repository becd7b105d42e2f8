package store

import (
	"errors"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// APIKey is a key without its secret.
type APIKey struct {
	ID               uuid.UUID
	Created, Updated api.Time
	ActorID          uuid.UUID
	Name             string
	Prefix, Suffix   string // of the secret
	CreatedBy        *uuid.UUID
	Expiration       *api.Time
	ReplacesID       *uuid.UUID
	Revoked          *api.Time
	LastUsed         *api.Time
	LastIP           *string
}

// Live says whether the key opens anything at a time.
func (k *APIKey) Live(now api.Time) bool {
	return k.Revoked == nil && (k.Expiration == nil || k.Expiration.After(now.Time))
}

const apiKeyColumns = `
select id, created, updated, actor_id, name, prefix, suffix, created_by, expiration, replaces_id, revoked_at, last_used_at, last_ip
from api_key
`

func scanAPIKey(row *Row) (k APIKey, err error) {
	return k, row.Scan(&k.ID, &k.Created, &k.Updated, &k.ActorID, &k.Name, &k.Prefix, &k.Suffix, &k.CreatedBy, &k.Expiration, &k.ReplacesID, &k.Revoked, &k.LastUsed, &k.LastIP)
}

// APIKeyByHash returns the key with a hash.
func (tx *Tx) APIKeyByHash(hash []byte) (*APIKey, error) {
	return one(tx, apiKeyColumns+"where hash = ?", []any{hash}, scanAPIKey)
}

// APIKeys lists the keys of an actor that were not revoked, the newest first.
func (tx *Tx) APIKeys(actor uuid.UUID) ([]APIKey, error) {
	return many(tx, apiKeyColumns+"where actor_id = ?\nand revoked_at is null\norder by created desc, id desc", []any{actor}, scanAPIKey)
}

// CountEndlessKeys counts the keys of an account's members that never end.
func (tx *Tx) CountEndlessKeys(account uuid.UUID) (n int, err error) {
	err = tx.QueryRow(`
		select count(*)
		from account_membership
		join api_key on api_key.actor_id = account_membership.actor_id
		where account_membership.account_id = ?
		and api_key.revoked_at is null
		and api_key.expiration is null`, []any{account}, &n)
	return n, err
}

// InsertAPIKey adds a key with the hash of its secret.
func (tx *Tx) InsertAPIKey(k *APIKey, hash []byte) error {
	_, err := tx.Exec(`
		insert into api_key (id, created, updated, actor_id, name, prefix, suffix, hash, created_by, expiration, replaces_id)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.ID, k.Created, k.Updated, k.ActorID, k.Name, k.Prefix, k.Suffix, hash, k.CreatedBy, k.Expiration, k.ReplacesID)
	return err
}

// UpdateAPIKey writes columns of a key of an actor.
func (tx *Tx) UpdateAPIKey(actor, id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("api_key", sets, all(is("actor_id = ?", actor), is("id = ?", id), is("revoked_at is null"))))
}

// Used notes when and from where a key was last used.
func (tx *Tx) Used(key uuid.UUID, now api.Time, ip string) error {
	_, err := tx.Exec("update api_key\nset last_used_at = ?, last_ip = ?\nwhere id = ?", now, ip, key)
	return err
}

// Epoch counts what took something away from somebody. What was read before it grew may
// be wrong.
func (tx *Tx) Epoch() (n int64, err error) {
	err = tx.QueryRow("select epoch\nfrom revocation_epoch\nwhere scope = 'all'", nil, &n)
	if errors.Is(err, ErrNoRows) {
		err = nil
	}
	return n, err
}

// BumpEpoch makes every server forget what it knows of actors. It belongs into each
// transaction that changes what a credential or an actor may do.
func (tx *Tx) BumpEpoch() error {
	_, err := tx.Exec("update revocation_epoch\nset epoch = epoch + 1\nwhere scope = 'all'")
	return err
}
