package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// SealedKey is a key of an account or of a workspace, sealed with the one above it.
type SealedKey struct {
	Account  uuid.UUID // of a workspace's key: not set
	Version  int
	Created  api.Time
	Sealed   string
	Resealed *api.Time // of a workspace's key: when no secret had an older one any more
}

// AccountKeys lists the keys of all accounts.
func (tx *Tx) AccountKeys() ([]SealedKey, error) {
	return many(tx, `
		select account_id, version, created, sealed
		from account_key
		order by account_id, version desc`, nil, scanAccountKey)
}

// AccountKeysOf lists the keys of an account, the newest first.
func (tx *Tx) AccountKeysOf(account uuid.UUID) ([]SealedKey, error) {
	return many(tx, `
		select account_id, version, created, sealed
		from account_key
		where account_id = ?
		order by version desc`, []any{account}, scanAccountKey)
}

func scanAccountKey(row *Row) (k SealedKey, err error) {
	return k, row.Scan(&k.Account, &k.Version, &k.Created, &k.Sealed)
}

// AddAccountKey adds a key unless there is one of its version.
func (tx *Tx) AddAccountKey(k SealedKey) error {
	_, err := tx.Exec(`
		insert into account_key (account_id, version, created, sealed)
		values (?, ?, ?, ?)
		on conflict (account_id, version) do nothing`, k.Account, k.Version, k.Created, k.Sealed)
	return err
}

// RewrapAccountKey keeps a key as it is sealed now.
func (tx *Tx) RewrapAccountKey(k SealedKey) error {
	_, err := tx.Exec(`
		update account_key
		set sealed = ?
		where account_id = ?
		and version = ?`, k.Sealed, k.Account, k.Version)
	return err
}

// WorkspaceKeys lists the keys of the workspace, the newest first.
func (tx *Tx) WorkspaceKeys() ([]SealedKey, error) {
	return many(tx, `
		select version, created, sealed, resealed
		from workspace_key
		where workspace_id = ?
		order by version desc`, []any{tx.workspace},
		func(row *Row) (k SealedKey, err error) {
			return k, row.Scan(&k.Version, &k.Created, &k.Sealed, &k.Resealed)
		})
}

// AddWorkspaceKey adds a key unless there is one of its version.
func (tx *Tx) AddWorkspaceKey(k SealedKey) error {
	_, err := tx.Exec(`
		insert into workspace_key (workspace_id, version, created, sealed, resealed)
		values (?, ?, ?, ?, ?)
		on conflict (workspace_id, version) do nothing`, tx.workspace, k.Version, k.Created, k.Sealed, k.Resealed)
	return err
}

// RewrapWorkspaceKey keeps a key of the workspace as it is sealed now.
func (tx *Tx) RewrapWorkspaceKey(k SealedKey) error {
	_, err := tx.Exec("update workspace_key\nset sealed = ?\nwhere workspace_id = ?\nand version = ?", k.Sealed, tx.workspace, k.Version)
	return err
}

// SetResealed notes that no secret has a key older than version any more.
func (tx *Tx) SetResealed(version int, now api.Time) error {
	_, err := tx.Exec(`
		update workspace_key
		set resealed = ?
		where workspace_id = ?
		and version = ?`, now, tx.workspace, version)
	return err
}

// Secret is sealed data of a row.
type Secret struct {
	ID     uuid.UUID
	Sealed string
}

// SecretsWithout lists up to limit secrets behind an id that do not begin with prefix.
func (tx *Tx) SecretsWithout(prefix string, after uuid.UUID, limit int) ([]Secret, error) {
	return many(tx, SecretsWithoutSQL, []any{tx.workspace, after, prefix + "%", limit},
		func(row *Row) (s Secret, err error) { return s, row.Scan(&s.ID, &s.Sealed) })
}

// SecretsWithoutSQL is the query of SecretsWithout.
const SecretsWithoutSQL = `
	select id, data
	from block_document
	where workspace_id = ?
	and id > ?
	and data not like ?
	order by id
	limit ?`

// ReplaceSecret seals a secret anew unless somebody has changed it since it was read.
func (tx *Tx) ReplaceSecret(old Secret, sealed string) error {
	_, err := tx.Exec(`
		update block_document
		set data = ?
		where workspace_id = ?
		and id = ?
		and data = ?`, sealed, tx.workspace, old.ID, old.Sealed)
	return err
}

// CountSecrets counts the secrets that begin with prefix.
func (tx *Tx) CountSecrets(prefix string) (int, error) {
	return tx.count("block_document", all(tx.own("block_document"), is("data like ?", prefix+"%")))
}

// KeyAge is when a version of a key that seals an account's secrets was made. The newest seals.
type KeyAge struct {
	Workspace *uuid.UUID `json:"workspace_id"` // nil: the account's own
	Version   int        `json:"version"`
	Created   api.Time   `json:"created"`
	Resealed  *api.Time  `json:"resealed"` // when nothing was left that older ones had sealed
}

// KeyAges lists the keys of an account and of its workspaces.
func (tx *Tx) KeyAges(account uuid.UUID) ([]KeyAge, error) {
	own, err := many(tx, "select version, created\nfrom account_key\nwhere account_id = ?\norder by version", []any{account}, func(row *Row) (k KeyAge, err error) {
		return k, row.Scan(&k.Version, &k.Created)
	})
	if err != nil {
		return nil, err
	}
	more, err := many(tx, `
		select k.workspace_id, k.version, k.created, k.resealed
		from workspace w
		join workspace_key k on k.workspace_id = w.id
		where w.account_id = ?
		order by k.workspace_id, k.version`, []any{account}, func(row *Row) (k KeyAge, err error) {
		return k, row.Scan(&k.Workspace, &k.Version, &k.Created, &k.Resealed)
	})
	return append(own, more...), err
}
