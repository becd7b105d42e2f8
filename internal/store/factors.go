package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Factor is something that a person shows besides the first proof of who they are.
type Factor struct {
	ID, User   uuid.UUID
	Kind       string // totp or passkey; password is a first proof that counts with one of those
	Name       string
	Secret     string  // a sealed seed or hash, or the public half of a passkey in JSON
	Credential *string // the id of a passkey
	LastStep   int64   // the newest step of time whose code was used
	Created    api.Time
	Confirmed  *api.Time // nil until it was shown once: it does not count before
	LastUsed   *api.Time
}

const factorColumns = "id, user_id, kind, name, secret, credential, last_step, created, confirmed, last_used"

// Factors lists the second factors of a user, the oldest first.
func (tx *Tx) Factors(user uuid.UUID) ([]Factor, error) {
	return many(tx, "select "+factorColumns+"\nfrom auth_factor\nwhere user_id = ?\norder by created, id", []any{user}, func(row *Row) (f Factor, err error) {
		return f, row.Scan(&f.ID, &f.User, &f.Kind, &f.Name, &f.Secret, &f.Credential, &f.LastStep, &f.Created, &f.Confirmed, &f.LastUsed)
	})
}

// AddFactor keeps a second factor; ErrConflict says that somebody has the passkey already.
func (tx *Tx) AddFactor(f *Factor) error {
	_, err := tx.Exec(`
		insert into auth_factor (`+factorColumns+`)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, f.ID, f.User, f.Kind, f.Name, f.Secret, f.Credential, f.LastStep, f.Created, f.Confirmed, f.LastUsed)
	return err
}

// UseFactor notes that a factor was shown, with a step of time that must be newer than the
// last, or with 0 when it has none.
func (tx *Tx) UseFactor(id uuid.UUID, step int64, secret string, now api.Time) (taken bool, err error) {
	n, err := tx.Exec(`
		update auth_factor
		set last_step = ?,
			secret = ?,
			confirmed = coalesce(confirmed, ?),
			last_used = ?
		where id = ?
		and (last_step < ? or ? = 0)`, step, secret, now, now, id, step, step)
	return n == 1, err
}

// DeleteFactor takes a second factor away.
func (tx *Tx) DeleteFactor(user, id uuid.UUID) error {
	n, err := tx.Exec("delete from auth_factor\nwhere user_id = ?\nand id = ?", user, id)
	return known(n > 0, err)
}

// DeleteFactors takes all second factors of a user away, with their recovery codes, and
// says how many there were.
func (tx *Tx) DeleteFactors(user uuid.UUID) (n int64, err error) {
	if _, err := tx.Exec("delete from auth_recovery\nwhere user_id = ?", user); err != nil {
		return 0, err
	}
	return tx.Exec("delete from auth_factor\nwhere user_id = ?", user)
}

// SetRecovery replaces the recovery codes of a user, given by their hashes.
func (tx *Tx) SetRecovery(user uuid.UUID, hashes []string, now api.Time) error {
	_, err := tx.Exec("delete from auth_recovery\nwhere user_id = ?", user)
	for i := 0; i < len(hashes) && err == nil; i++ {
		_, err = tx.Exec(`
			insert into auth_recovery (user_id, hash, created)
			values (?, ?, ?)`, user, hashes[i], now)
	}
	return err
}

// RecoveryLeft counts the recovery codes of a user that were not used.
func (tx *Tx) RecoveryLeft(user uuid.UUID) (n int, err error) {
	return n, tx.QueryRow("select count(*)\nfrom auth_recovery\nwhere user_id = ?\nand used is null", []any{user}, &n)
}

// UseRecovery takes a recovery code; it can be taken once.
func (tx *Tx) UseRecovery(user uuid.UUID, hash string, now api.Time) (taken bool, err error) {
	n, err := tx.Exec(`
		update auth_recovery
		set used = ?
		where user_id = ?
		and hash = ?
		and used is null`, now, user, hash)
	return n == 1, err
}

// AddChallenge keeps what a browser was asked to sign.
func (tx *Tx) AddChallenge(hash string, user uuid.UUID, purpose, data string, expires api.Time) error {
	_, err := tx.Exec(`
		insert into auth_challenge (hash, user_id, purpose, data, expires)
		values (?, ?, ?, ?, ?)`, hash, user, purpose, data, expires)
	return err
}

// UseChallenge takes what a browser was asked to sign, once.
func (tx *Tx) UseChallenge(hash string, user uuid.UUID, purpose string, now api.Time) (data string, err error) {
	return data, tx.QueryRow(`
		update auth_challenge
		set used = ?
		where hash = ?
		and user_id = ?
		and purpose = ?
		and used is null
		and expires > ?
		returning data`, []any{now, hash, user, purpose, now}, &data)
}

// DropSecondFactor makes the sessions of a user ones without a second factor.
func (tx *Tx) DropSecondFactor(user uuid.UUID, mark string) error {
	_, err := tx.Exec("update auth_token\nset method = replace(method, ?, '')\nwhere actor_id = ?", mark, user)
	return err
}
