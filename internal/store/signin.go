package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// MagicLink is a link that was mailed, or that looks as if it was.
type MagicLink struct {
	ID              uuid.UUID
	Created         api.Time
	Expires         api.Time
	Email           string
	Purpose         string
	User            *uuid.UUID // nil when nobody has the address yet
	TokenHash       string
	BrowserHash     *string // of the cookie of the browser that asked
	DeviceChallenge *string // of the terminal that asked
	Words           string
	CodeHash        *string
	Attempts        int
	IP, Agent, Next string
	Approved, Used  *api.Time
	Ended           *string // why it can't be used any more: superseded, denied, locked
	LastPoll        *api.Time
	// Who the one with the address is at a provider; nil when no provider has sent them.
	Provider, Issuer, Subject *string
}

const magicLinkColumns = "id, created, expires, email, purpose, user_id, token_hash, browser_hash, device_challenge, words, code_hash, attempts, ip, agent, next, approved, used, ended, last_poll, provider, issuer, subject"

// AddMagicLink keeps a link and ends those that the address had for the purpose.
func (tx *Tx) AddMagicLink(l *MagicLink) error {
	_, err := tx.Exec(`
		update auth_magic_link
		set ended = 'superseded'
		where email = ?
		and purpose = ?
		and ended is null`, l.Email, l.Purpose)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into auth_magic_link (`+magicLinkColumns+`)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		l.ID, l.Created, l.Expires, l.Email, l.Purpose, l.User, l.TokenHash, l.BrowserHash, l.DeviceChallenge, l.Words, l.CodeHash, l.Attempts,
		l.IP, l.Agent, l.Next, l.Approved, l.Used, l.Ended, l.LastPoll, l.Provider, l.Issuer, l.Subject)
	return err
}

func (tx *Tx) magicLink(where string, arg any) (*MagicLink, error) {
	l := &MagicLink{}
	return l, tx.QueryRow("select "+magicLinkColumns+"\nfrom auth_magic_link\nwhere "+where, []any{arg},
		&l.ID, &l.Created, &l.Expires, &l.Email, &l.Purpose, &l.User, &l.TokenHash, &l.BrowserHash, &l.DeviceChallenge, &l.Words, &l.CodeHash, &l.Attempts,
		&l.IP, &l.Agent, &l.Next, &l.Approved, &l.Used, &l.Ended, &l.LastPoll, &l.Provider, &l.Issuer, &l.Subject)
}

// MagicLinkByToken finds a link by the hash of its token.
func (tx *Tx) MagicLinkByToken(hash string) (*MagicLink, error) {
	return tx.magicLink("token_hash = ?", hash)
}

// MagicLinkByID finds a link by the id of its request.
func (tx *Tx) MagicLinkByID(id uuid.UUID) (*MagicLink, error) {
	return tx.magicLink("id = ?", id)
}

// MagicLinkByBrowser finds the newest link that a browser asked for.
func (tx *Tx) MagicLinkByBrowser(hash string) (*MagicLink, error) {
	return tx.magicLink("browser_hash = ?\norder by created desc\nlimit 1", hash)
}

// UseMagicLink takes a link that is still good; it can be taken once.
func (tx *Tx) UseMagicLink(id uuid.UUID, now api.Time) (taken bool, err error) {
	n, err := tx.Exec(`
		update auth_magic_link
		set used = ?
		where id = ?
		and used is null
		and ended is null
		and expires > ?`, now, id, now)
	return n == 1, err
}

// ApproveMagicLink lets the terminal that asked for a link sign in; once.
func (tx *Tx) ApproveMagicLink(id uuid.UUID, now api.Time) (taken bool, err error) {
	n, err := tx.Exec(`
		update auth_magic_link
		set approved = ?
		where id = ?
		and approved is null
		and used is null
		and ended is null
		and expires > ?`, now, id, now)
	return n == 1, err
}

// EndMagicLink makes a link useless and keeps the reason.
func (tx *Tx) EndMagicLink(id uuid.UUID, reason string) error {
	_, err := tx.Exec(`
		update auth_magic_link
		set ended = ?
		where id = ?
		and used is null
		and ended is null`, reason, id)
	return err
}

// SetMagicLinkCode keeps the hash of the code that stands for the link.
func (tx *Tx) SetMagicLinkCode(id uuid.UUID, hash string) error {
	_, err := tx.Exec(`
		update auth_magic_link
		set code_hash = ?
		where id = ?`, hash, id)
	return err
}

// PollMagicLink notes when the terminal that waits has asked.
func (tx *Tx) PollMagicLink(id uuid.UUID, now api.Time) error {
	_, err := tx.Exec(`
		update auth_magic_link
		set last_poll = ?
		where id = ?`, now, id)
	return err
}

// TryMagicLink counts an attempt unless there were already most of them.
func (tx *Tx) TryMagicLink(id uuid.UUID, most int) (allowed bool, err error) {
	n, err := tx.Exec(`
		update auth_magic_link
		set attempts = attempts + 1
		where id = ?
		and attempts < ?`, id, most)
	return n == 1, err
}

// Token is a session of a browser, an access token or a refresh token.
type Token struct {
	ID            uuid.UUID
	Kind          string // session, access, refresh
	Hash          string
	Family        uuid.UUID
	Actor         uuid.UUID
	SSOAccount    *uuid.UUID // whose own provider has vouched
	Client        string
	Scope         string
	Method        string // how the person signed in
	Authenticated api.Time
	IP, Agent     string
	Created       api.Time
	LastUsed      api.Time
	IdleUntil     api.Time
	Expires       api.Time
	FamilyExpires api.Time
	Used          *api.Time // when a refresh token was exchanged
	Revoked       *api.Time
	Reason        *string
}

const tokenColumns = "id, kind, hash, family_id, actor_id, sso_account_id, client, scope, method, authenticated, ip, agent, created, last_used, idle_until, expires, family_expires, used, revoked, reason"

// AddToken keeps a token.
func (tx *Tx) AddToken(t *Token) error {
	_, err := tx.Exec(`
		insert into auth_token (`+tokenColumns+`)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		t.ID, t.Kind, t.Hash, t.Family, t.Actor, t.SSOAccount, t.Client, t.Scope, t.Method, t.Authenticated, t.IP, t.Agent,
		t.Created, t.LastUsed, t.IdleUntil, t.Expires, t.FamilyExpires, t.Used, t.Revoked, t.Reason)
	return err
}

func scanToken(row *Row) (t Token, err error) {
	return t, row.Scan(&t.ID, &t.Kind, &t.Hash, &t.Family, &t.Actor, &t.SSOAccount, &t.Client, &t.Scope, &t.Method, &t.Authenticated, &t.IP, &t.Agent,
		&t.Created, &t.LastUsed, &t.IdleUntil, &t.Expires, &t.FamilyExpires, &t.Used, &t.Revoked, &t.Reason)
}

// TokenByHash finds a token, good or not.
func (tx *Tx) TokenByHash(hash string) (*Token, error) {
	found, err := many(tx, "select "+tokenColumns+"\nfrom auth_token\nwhere hash = ?", []any{hash}, scanToken)
	if err == nil && len(found) == 0 {
		err = ErrNoRows
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

// SessionsOf lists what an actor is signed in with: sessions of browsers, and refresh tokens
// that were not exchanged.
func (tx *Tx) SessionsOf(actor uuid.UUID, now api.Time) ([]Token, error) {
	return many(tx, "select "+tokenColumns+`
		from auth_token
		where actor_id = ?
		and kind in ('session', 'refresh')
		and used is null
		and revoked is null
		and expires > ?
		and idle_until > ?
		order by last_used desc, id`, []any{actor, now, now}, scanToken)
}

// TouchToken notes that a token was used and how long it may rest.
func (tx *Tx) TouchToken(id uuid.UUID, now, idleUntil api.Time) error {
	_, err := tx.Exec(`
		update auth_token
		set last_used = ?,
			idle_until = ?
		where id = ?`, now, idleUntil, id)
	return err
}

// UseToken takes a refresh token that is still good; it can be taken once.
func (tx *Tx) UseToken(id uuid.UUID, now api.Time) (taken bool, err error) {
	n, err := tx.Exec(`
		update auth_token
		set used = ?,
			last_used = ?
		where id = ?
		and used is null
		and revoked is null
		and expires > ?`, now, now, id, now)
	return n == 1, err
}

// RevokeFamily ends all that came from one sign-in, and says how much that was.
func (tx *Tx) RevokeFamily(family uuid.UUID, now api.Time, reason string) (int64, error) {
	return tx.Exec(`
		update auth_token
		set revoked = ?,
			reason = ?
		where family_id = ?
		and revoked is null`, now, reason, family)
}

// RevokeAccess ends one token.
func (tx *Tx) RevokeAccess(id uuid.UUID, now api.Time, reason string) error {
	_, err := tx.Exec(`
		update auth_token
		set revoked = ?,
			reason = ?
		where id = ?
		and revoked is null`, now, reason, id)
	return err
}

// RevokeTokensOf ends all tokens of an actor but those of one family, and says how many.
func (tx *Tx) RevokeTokensOf(actor, but uuid.UUID, now api.Time, reason string) (int64, error) {
	return tx.Exec(`
		update auth_token
		set revoked = ?,
			reason = ?
		where actor_id = ?
		and family_id <> ?
		and revoked is null`, now, reason, actor, but)
}

// RevokeTokensBy ends the tokens of an actor for whom the provider of an account has vouched.
func (tx *Tx) RevokeTokensBy(actor, account uuid.UUID, now api.Time, reason string) error {
	_, err := tx.Exec(`
		update auth_token
		set revoked = ?,
			reason = ?
		where actor_id = ?
		and sso_account_id = ?
		and revoked is null`, now, reason, actor, account)
	return err
}

// AuthCode is what a browser carries from the consent to the client.
type AuthCode struct {
	Hash          string
	Client        string
	Actor         uuid.UUID
	SSOAccount    *uuid.UUID
	RedirectURI   string
	Challenge     string
	Nonce         string
	Scope         string
	Method        string
	Authenticated api.Time
	Family        uuid.UUID
	Created       api.Time
	Expires       api.Time
	Used          *api.Time
}

const authCodeColumns = "hash, client, actor_id, sso_account_id, redirect_uri, challenge, nonce, scope, method, authenticated, family_id, created, expires, used"

// AddAuthCode keeps a code.
func (tx *Tx) AddAuthCode(c *AuthCode) error {
	_, err := tx.Exec(`
		insert into auth_code (`+authCodeColumns+`)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.Hash, c.Client, c.Actor, c.SSOAccount, c.RedirectURI, c.Challenge, c.Nonce, c.Scope, c.Method, c.Authenticated, c.Family, c.Created, c.Expires, c.Used)
	return err
}

// AuthCodeByHash finds a code, good or not.
func (tx *Tx) AuthCodeByHash(hash string) (*AuthCode, error) {
	c := &AuthCode{}
	return c, tx.QueryRow("select "+authCodeColumns+"\nfrom auth_code\nwhere hash = ?", []any{hash},
		&c.Hash, &c.Client, &c.Actor, &c.SSOAccount, &c.RedirectURI, &c.Challenge, &c.Nonce, &c.Scope, &c.Method, &c.Authenticated, &c.Family, &c.Created, &c.Expires, &c.Used)
}

// UseAuthCode takes a code that is still good; it can be taken once.
func (tx *Tx) UseAuthCode(hash string, now api.Time) (taken bool, err error) {
	n, err := tx.Exec(`
		update auth_code
		set used = ?
		where hash = ?
		and used is null
		and expires > ?`, now, hash, now)
	return n == 1, err
}

// Device is a terminal that waits to be let in with a code that a person types elsewhere.
type Device struct {
	ID            uuid.UUID
	DeviceHash    string
	UserCodeHash  string
	Client, Scope string
	Status        string // pending, approved, denied, done
	Actor         *uuid.UUID
	SSOAccount    *uuid.UUID
	Method        string
	Authenticated *api.Time
	Label         string
	IP, Agent     string
	Interval      int // seconds
	LastPoll      *api.Time
	Created       api.Time
	Expires       api.Time
}

const deviceColumns = "id, device_hash, user_code_hash, client, scope, status, actor_id, sso_account_id, method, authenticated, label, ip, agent, poll_interval, last_poll, created, expires"

// AddDevice keeps a terminal that waits.
func (tx *Tx) AddDevice(d *Device) error {
	_, err := tx.Exec(`
		insert into auth_device (`+deviceColumns+`)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		d.ID, d.DeviceHash, d.UserCodeHash, d.Client, d.Scope, d.Status, d.Actor, d.SSOAccount, d.Method, d.Authenticated, d.Label, d.IP, d.Agent, d.Interval, d.LastPoll, d.Created, d.Expires)
	return err
}

func (tx *Tx) device(where string, arg any) (*Device, error) {
	d := &Device{}
	return d, tx.QueryRow("select "+deviceColumns+"\nfrom auth_device\nwhere "+where, []any{arg},
		&d.ID, &d.DeviceHash, &d.UserCodeHash, &d.Client, &d.Scope, &d.Status, &d.Actor, &d.SSOAccount, &d.Method, &d.Authenticated, &d.Label, &d.IP, &d.Agent, &d.Interval, &d.LastPoll, &d.Created, &d.Expires)
}

// DeviceByUserCode finds a terminal by the hash of the code that people type.
func (tx *Tx) DeviceByUserCode(hash string) (*Device, error) {
	return tx.device("user_code_hash = ?", hash)
}

// DeviceByCode finds a terminal by the hash of the code that it polls with.
func (tx *Tx) DeviceByCode(hash string) (*Device, error) { return tx.device("device_hash = ?", hash) }

// PollDevice notes when a terminal has asked and how often it may.
func (tx *Tx) PollDevice(id uuid.UUID, now api.Time, interval int) error {
	_, err := tx.Exec(`
		update auth_device
		set last_poll = ?,
			poll_interval = ?
		where id = ?`, now, interval, id)
	return err
}

// DecideDevice lets a terminal in, or not; what was decided stays.
func (tx *Tx) DecideDevice(d *Device, status string, now api.Time) (decided bool, err error) {
	n, err := tx.Exec(`
		update auth_device
		set status = ?,
			actor_id = ?,
			sso_account_id = ?,
			method = ?,
			authenticated = ?
		where id = ?
		and status = 'pending'
		and expires > ?`, status, d.Actor, d.SSOAccount, d.Method, d.Authenticated, d.ID, now)
	return n == 1, err
}

// UseDevice takes the approval of a terminal; it can be taken once.
func (tx *Tx) UseDevice(id uuid.UUID, now api.Time) (taken bool, err error) {
	n, err := tx.Exec(`
		update auth_device
		set status = 'done'
		where id = ?
		and status = 'approved'
		and expires > ?`, id, now)
	return n == 1, err
}

// UserIdentity is who a user is at a provider.
type UserIdentity struct {
	ID, User                         uuid.UUID
	Provider, Issuer, Subject, Email string
	Created, LastLogin               api.Time
}

// UserIdentity finds who somebody at a provider is here.
func (tx *Tx) UserIdentity(issuer, subject string) (*UserIdentity, error) {
	i := &UserIdentity{}
	return i, tx.QueryRow(`
		select id, user_id, provider, issuer, subject, email, created, last_login
		from auth_user_identity
		where issuer = ?
		and subject = ?`, []any{issuer, subject},
		&i.ID, &i.User, &i.Provider, &i.Issuer, &i.Subject, &i.Email, &i.Created, &i.LastLogin)
}

// UserIdentities lists who a user is elsewhere.
func (tx *Tx) UserIdentities(user uuid.UUID) ([]UserIdentity, error) {
	return many(tx, `
		select id, user_id, provider, issuer, subject, email, created, last_login
		from auth_user_identity
		where user_id = ?
		order by provider, id`, []any{user}, func(row *Row) (i UserIdentity, err error) {
		return i, row.Scan(&i.ID, &i.User, &i.Provider, &i.Issuer, &i.Subject, &i.Email, &i.Created, &i.LastLogin)
	})
}

// DeleteUserIdentity makes somebody at a provider nobody here any more.
func (tx *Tx) DeleteUserIdentity(user, id uuid.UUID) error {
	n, err := tx.Exec("delete from auth_user_identity\nwhere user_id = ?\nand id = ?", user, id)
	return known(n > 0, err)
}

// AddUserIdentity links a user with a provider's.
func (tx *Tx) AddUserIdentity(i *UserIdentity) error {
	_, err := tx.Exec(`
		insert into auth_user_identity (id, user_id, provider, issuer, subject, email, created, last_login)
		values (?, ?, ?, ?, ?, ?, ?, ?)`, i.ID, i.User, i.Provider, i.Issuer, i.Subject, i.Email, i.Created, i.LastLogin)
	return err
}

// TouchUserIdentity notes a sign-in through a provider.
func (tx *Tx) TouchUserIdentity(id uuid.UUID, now api.Time) error {
	_, err := tx.Exec(`
		update auth_user_identity
		set last_login = ?
		where id = ?`, now, id)
	return err
}

// Throttled counts what was tried in a bucket since a time, and says when the last was.
func (tx *Tx) Throttled(bucket string, since api.Time) (n int, newest api.Time, err error) {
	var last *api.Time
	err = tx.QueryRow(`
		select count(*), max(at)
		from auth_throttle
		where bucket = ?
		and at > ?`, []any{bucket, since}, &n, &last)
	return n, or(last), err
}

// Throttle counts one more.
func (tx *Tx) Throttle(bucket string, id uuid.UUID, now api.Time) error {
	_, err := tx.Exec(`
		insert into auth_throttle (bucket, at, id)
		values (?, ?, ?)`, bucket, now, id)
	return err
}

// ForgetTries counts none of what was tried in a bucket any more.
func (tx *Tx) ForgetTries(bucket string) error {
	_, err := tx.Exec("delete from auth_throttle\nwhere bucket = ?", bucket)
	return err
}

// See notes what must not be taken twice, and says whether it is new.
func (tx *Tx) See(hash string, expires api.Time) (isNew bool, err error) {
	n, err := tx.Exec(`
		insert into auth_seen (hash, expires)
		values (?, ?)
		on conflict (hash) do nothing`, hash, expires)
	return n == 1, err
}

// PurgeSignin deletes what ended before a time.
func (tx *Tx) PurgeSignin(before api.Time) error {
	for _, table := range []string{"auth_magic_link", "auth_code", "auth_device", "auth_token", "auth_seen", "auth_flow", "auth_arrival", "auth_challenge", "mail_outbox"} {
		if _, err := tx.Exec("delete from "+table+"\nwhere expires < ?", before); err != nil {
			return err
		}
	}
	_, err := tx.Exec("delete from auth_throttle\nwhere at < ?", before)
	return err
}
