package store

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Account is a tenant: it owns workspaces and has members.
type Account struct {
	ID                    uuid.UUID
	Created, Updated      api.Time
	Name, Handle          string
	Location, Link        *string
	BillingEmail          *string
	Settings              jsontext.Value
	AuthExpirationSeconds *int
	// SSOState is DISABLED, NEEDS_CONFIGURATION or ENABLED.
	SSOState string
	// RequireMFA and RestrictToDomains are parts of its policy of signing in.
	RequireMFA, RestrictToDomains bool
	Deleted                       *api.Time // nil unless it waits for its end
}

const accountColumns = `
select account.id, account.created, account.updated, account.name, account.handle, account.location, account.link, account.billing_email, account.settings,
  account.auth_expiration_seconds, account.sso_state, account.require_mfa, account.restrict_to_domains, account.deleted
from account
`

func scanAccount(row *Row) (a Account, err error) {
	return a, row.Scan(&a.ID, &a.Created, &a.Updated, &a.Name, &a.Handle, &a.Location, &a.Link, &a.BillingEmail, &a.Settings,
		&a.AuthExpirationSeconds, &a.SSOState, &a.RequireMFA, &a.RestrictToDomains, &a.Deleted)
}

// Account returns an account.
func (tx *Tx) Account(id uuid.UUID) (*Account, error) {
	return one(tx, accountColumns+"where account.id = ?", []any{id}, scanAccount)
}

// AccountByHandle returns the account with a handle.
func (tx *Tx) AccountByHandle(handle string) (*Account, error) {
	return one(tx, accountColumns+"where account.handle = ?", []any{handle}, scanAccount)
}

// AccountsOf lists the accounts that an actor is an active member of, by handle.
func (tx *Tx) AccountsOf(actor uuid.UUID) ([]Account, error) {
	return many(tx, accountColumns+`
		join account_membership on account_membership.account_id = account.id
		where account_membership.actor_id = ?
		and account_membership.active
		order by account.handle`, []any{actor}, scanAccount)
}

// CountAccounts counts the accounts that somebody made: not the one that is always there.
func (tx *Tx) CountAccounts() (n int, err error) {
	return n, tx.QueryRow("select count(*)\nfrom account\nwhere id <> ?", []any{uuid.UUID{}}, &n)
}

// InsertAccount adds an account; ErrConflict says that its handle is taken.
func (tx *Tx) InsertAccount(a *Account) error {
	_, err := tx.Exec(`
		insert into account (id, created, updated, name, handle, location, link, billing_email, settings, auth_expiration_seconds, sso_state, require_mfa, restrict_to_domains)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.ID, a.Created, a.Updated, a.Name, a.Handle, a.Location, a.Link, a.BillingEmail, a.Settings, a.AuthExpirationSeconds, a.SSOState, a.RequireMFA, a.RestrictToDomains)
	return err
}

// UpdateAccount writes columns of an account.
func (tx *Tx) UpdateAccount(id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("account", sets, is("id = ?", id)))
}

// DeleteAccount removes an account with all that is about its members; its workspaces
// must be gone before.
func (tx *Tx) DeleteAccount(id uuid.UUID) error {
	if _, err := tx.Exec("delete from api_key\nwhere actor_id in (select id from bot where account_id = ?)", id); err != nil {
		return err
	}
	for _, table := range []string{"sso_connection", "scim_token", "account_domain", "account_role", "account_membership", "team_membership", "team", "workspace_role", "invitation", "bot", "account_key", "ip_allow", "rate_allocation", "rate_usage", "access_request", "access_review", "account_change", "change_control"} {
		if _, err := tx.Exec("delete from "+table+"\nwhere account_id = ?", id); err != nil {
			return err
		}
	}
	rows, err := tx.Exec("delete from account\nwhere id = ?", id)
	return known(rows > 0, err)
}

// AccountsDeletedBefore lists the accounts that wait for their end since before a time.
func (tx *Tx) AccountsDeletedBefore(t api.Time) ([]Account, error) {
	return many(tx, accountColumns+"where account.deleted < ?", []any{t}, scanAccount)
}

// AccountDomain is a domain whose addresses belong to an account's people.
type AccountDomain struct {
	AccountID, ID    uuid.UUID
	Created, Updated api.Time
	Name             string
	DNSToken         string    // what its TXT record has to say
	Verified         *api.Time // nil while nothing proves that it is the account's
}

const domainColumns = `
select account_id, id, created, updated, name, dns_token, verified_at
from account_domain
`

func scanDomain(row *Row) (d AccountDomain, err error) {
	return d, row.Scan(&d.AccountID, &d.ID, &d.Created, &d.Updated, &d.Name, &d.DNSToken, &d.Verified)
}

// AccountDomains lists the domains of an account by name.
func (tx *Tx) AccountDomains(account uuid.UUID) ([]AccountDomain, error) {
	return many(tx, domainColumns+"where account_id = ?\norder by name", []any{account}, scanDomain)
}

// VerifiedDomains lists which accounts have proven that a domain is theirs.
func (tx *Tx) VerifiedDomains(name string) ([]AccountDomain, error) {
	return many(tx, domainColumns+"where name = ?\nand verified_at is not null\norder by account_id", []any{name}, scanDomain)
}

// InsertAccountDomain adds a domain; ErrConflict says that the account has it already.
func (tx *Tx) InsertAccountDomain(d *AccountDomain) error {
	_, err := tx.Exec(`
		insert into account_domain (account_id, id, created, updated, name, dns_token, verified_at)
		values (?, ?, ?, ?, ?, ?, ?)`, d.AccountID, d.ID, d.Created, d.Updated, d.Name, d.DNSToken, d.Verified)
	return err
}

// UpdateAccountDomain writes columns of a domain.
func (tx *Tx) UpdateAccountDomain(account, id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("account_domain", sets, all(is("account_id = ?", account), is("id = ?", id))))
}

// DeleteAccountDomain removes a domain.
func (tx *Tx) DeleteAccountDomain(account, id uuid.UUID) error {
	return known(tx.deleteWhere("account_domain", all(is("account_id = ?", account), is("id = ?", id))))
}

// setWhere writes columns of the rows that meet a condition and says whether there is one.
func (tx *Tx) setWhere(table string, sets []Set, where condition) (bool, error) {
	if len(sets) == 0 {
		n, err := tx.count(table, where)
		return n > 0, err
	}
	text, args := assignments(sets)
	rows, err := tx.Exec("update "+table+"\nset "+text+"\nwhere "+where.sql, append(args, where.args...)...)
	return rows > 0, err
}

// deleteWhere deletes the rows that meet a condition and says whether there was one.
func (tx *Tx) deleteWhere(table string, where condition) (bool, error) {
	rows, err := tx.Exec("delete from "+table+"\nwhere "+where.sql, where.args...)
	return rows > 0, err
}
