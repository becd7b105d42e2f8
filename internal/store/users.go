package store

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// User is a person who may sign in. Its id is also that of the actor.
type User struct {
	ID                          uuid.UUID
	Created, Updated            api.Time
	Handle, FirstName, LastName string
	Email, EmailNorm            string // as it was written, and as it is compared
	Location, Title             *string
	Settings                    jsontext.Value
	LastLogin                   *api.Time
}

const userColumns = `
select auth_user.id, auth_user.created, auth_user.updated, auth_user.handle, auth_user.first_name, auth_user.last_name, auth_user.email, auth_user.email_norm,
  auth_user.location, auth_user.title, auth_user.settings, auth_user.last_login
from auth_user
`

func scanUser(row *Row) (u User, err error) {
	return u, row.Scan(&u.ID, &u.Created, &u.Updated, &u.Handle, &u.FirstName, &u.LastName, &u.Email, &u.EmailNorm, &u.Location, &u.Title, &u.Settings, &u.LastLogin)
}

// User returns a user.
func (tx *Tx) User(id uuid.UUID) (*User, error) {
	return one(tx, userColumns+"where auth_user.id = ?", []any{id}, scanUser)
}

// UserByEmail returns the user with an address, as addresses are compared.
func (tx *Tx) UserByEmail(norm string) (*User, error) {
	return one(tx, userColumns+"where auth_user.email_norm = ?", []any{norm}, scanUser)
}

// UserByHandle returns the user with a handle.
func (tx *Tx) UserByHandle(handle string) (*User, error) {
	return one(tx, userColumns+"where auth_user.handle = ?", []any{handle}, scanUser)
}

// InsertUser adds a user; ErrConflict says that its address or handle is taken.
func (tx *Tx) InsertUser(u *User) error {
	_, err := tx.Exec(`
		insert into auth_user (id, created, updated, handle, first_name, last_name, email, email_norm, location, title, settings, last_login)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.Created, u.Updated, u.Handle, u.FirstName, u.LastName, u.Email, u.EmailNorm, u.Location, u.Title, u.Settings, u.LastLogin)
	return err
}

// UpdateUser writes columns of a user.
func (tx *Tx) UpdateUser(id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("auth_user", sets, is("id = ?", id)))
}

// DeleteUser removes a user with keys, memberships and access.
func (tx *Tx) DeleteUser(id uuid.UUID) error {
	for _, sql := range []string{
		"delete from api_key\nwhere actor_id = ?", "delete from account_membership\nwhere actor_id = ?",
		"delete from team_membership\nwhere actor_id = ?", "delete from workspace_access\nwhere subject_id = ?", "delete from access_request\nwhere actor_id = ?",
		"delete from auth_token\nwhere actor_id = ?", "delete from auth_code\nwhere actor_id = ?", "delete from auth_device\nwhere actor_id = ?",
		"delete from auth_user_identity\nwhere user_id = ?", "delete from auth_magic_link\nwhere user_id = ?", "delete from auth_factor\nwhere user_id = ?",
		"delete from auth_recovery\nwhere user_id = ?", "delete from auth_challenge\nwhere user_id = ?",
	} {
		if _, err := tx.Exec(sql, id); err != nil {
			return err
		}
	}
	return known(tx.deleteWhere("auth_user", is("id = ?", id)))
}

// Bot is a service account: an actor that is no person and belongs to one account.
type Bot struct {
	AccountID, ID    uuid.UUID
	Created, Updated api.Time
	Name             string
}

const botColumns = `
select bot.account_id, bot.id, bot.created, bot.updated, bot.name
from bot
`

func scanBot(row *Row) (b Bot, err error) {
	return b, row.Scan(&b.AccountID, &b.ID, &b.Created, &b.Updated, &b.Name)
}

// Bot returns a service account of an account.
func (tx *Tx) Bot(account, id uuid.UUID) (*Bot, error) {
	return one(tx, botColumns+"where bot.account_id = ?\nand bot.id = ?", []any{account, id}, scanBot)
}

// BotByID returns a service account whatever account it belongs to.
func (tx *Tx) BotByID(id uuid.UUID) (*Bot, error) {
	return one(tx, botColumns+"where bot.id = ?", []any{id}, scanBot)
}

// Bots lists the service accounts of an account by name.
func (tx *Tx) Bots(account uuid.UUID) ([]Bot, error) {
	return many(tx, botColumns+"where bot.account_id = ?\norder by bot.name", []any{account}, scanBot)
}

// InsertBot adds a service account; ErrConflict says that its name is taken.
func (tx *Tx) InsertBot(b *Bot) error {
	_, err := tx.Exec(`
		insert into bot (account_id, id, created, updated, name)
		values (?, ?, ?, ?, ?)`, b.AccountID, b.ID, b.Created, b.Updated, b.Name)
	return err
}

// UpdateBot writes columns of a service account.
func (tx *Tx) UpdateBot(account, id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("bot", sets, all(is("account_id = ?", account), is("id = ?", id))))
}

// DeleteBot removes a service account with keys, membership and access.
func (tx *Tx) DeleteBot(account, id uuid.UUID) error {
	if err := known(tx.deleteWhere("bot", all(is("account_id = ?", account), is("id = ?", id)))); err != nil {
		return err
	}
	for _, sql := range []string{
		"delete from api_key\nwhere actor_id = ?", "delete from account_membership\nwhere actor_id = ?",
		"delete from team_membership\nwhere actor_id = ?", "delete from workspace_access\nwhere subject_id = ?", "delete from access_request\nwhere actor_id = ?",
	} {
		if _, err := tx.Exec(sql, id); err != nil {
			return err
		}
	}
	return nil
}
