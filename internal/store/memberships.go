package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// The kinds of actors and of who may have access to a workspace.
const (
	ActorUser = "user"
	ActorBot  = "service_account"
	ActorTeam = "team"
)

// Membership makes an actor a member of an account.
type Membership struct {
	AccountID, ID    uuid.UUID
	Created, Updated api.Time
	ActorID          uuid.UUID
	ActorType        string // ActorUser or ActorBot
	RoleID           uuid.UUID
	Active           bool
	DirectoryID      *string
}

const membershipColumns = `
select account_membership.account_id, account_membership.id, account_membership.created, account_membership.updated, account_membership.actor_id,
  account_membership.actor_type, account_membership.account_role_id, account_membership.active, account_membership.directory_id
from account_membership
`

func scanMembership(row *Row) (m Membership, err error) {
	return m, row.Scan(&m.AccountID, &m.ID, &m.Created, &m.Updated, &m.ActorID, &m.ActorType, &m.RoleID, &m.Active, &m.DirectoryID)
}

// Memberships lists the members of an account in the order in which they came.
func (tx *Tx) Memberships(account uuid.UUID) ([]Membership, error) {
	return many(tx, membershipColumns+"where account_id = ?\norder by created, id", []any{account}, scanMembership)
}

// Membership returns a membership of an account.
func (tx *Tx) Membership(account, id uuid.UUID) (*Membership, error) {
	return one(tx, membershipColumns+"where account_id = ?\nand id = ?", []any{account, id}, scanMembership)
}

// MembershipOf returns the membership of an actor in an account.
func (tx *Tx) MembershipOf(account, actor uuid.UUID) (*Membership, error) {
	return one(tx, membershipColumns+"where account_id = ?\nand actor_id = ?", []any{account, actor}, scanMembership)
}

// MembershipsOf lists the memberships of an actor.
func (tx *Tx) MembershipsOf(actor uuid.UUID) ([]Membership, error) {
	return many(tx, membershipColumns+"where actor_id = ?\norder by created, id", []any{actor}, scanMembership)
}

// InsertMembership adds a member; ErrConflict says that the actor is one already.
func (tx *Tx) InsertMembership(m *Membership) error {
	_, err := tx.Exec(`
		insert into account_membership (account_id, id, created, updated, actor_id, actor_type, account_role_id, active, directory_id)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?)`, m.AccountID, m.ID, m.Created, m.Updated, m.ActorID, m.ActorType, m.RoleID, m.Active, m.DirectoryID)
	return err
}

// UpdateMembership writes columns of a membership.
func (tx *Tx) UpdateMembership(account, id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("account_membership", sets, all(is("account_id = ?", account), is("id = ?", id))))
}

// DeleteMembership makes an actor no member any more, with its teams and its access to
// the account's workspaces.
func (tx *Tx) DeleteMembership(m *Membership) error {
	for _, sql := range []string{
		"delete from team_membership\nwhere account_id = ?\nand actor_id = ?",
		"delete from workspace_access\nwhere workspace_id in (select id from workspace where account_id = ?)\nand subject_id = ?",
		"delete from access_request\nwhere account_id = ?\nand actor_id = ?",
	} {
		if _, err := tx.Exec(sql, m.AccountID, m.ActorID); err != nil {
			return err
		}
	}
	return known(tx.deleteWhere("account_membership", all(is("account_id = ?", m.AccountID), is("id = ?", m.ID))))
}

// AccountRole is a role that an account has made besides the built-in ones.
type AccountRole struct {
	AccountID, ID    uuid.UUID
	Created, Updated api.Time
	Name             string
	Permissions      []string
}

const accountRoleColumns = `
select account_id, id, created, updated, name, permissions
from account_role
`

func scanAccountRole(row *Row) (r AccountRole, err error) {
	return r, row.Scan(&r.AccountID, &r.ID, &r.Created, &r.Updated, &r.Name, &r.Permissions)
}

// AccountRoles lists the roles that an account has made, by name.
func (tx *Tx) AccountRoles(account uuid.UUID) ([]AccountRole, error) {
	return many(tx, accountRoleColumns+"where account_id = ?\norder by name", []any{account}, scanAccountRole)
}

// InsertAccountRole adds a role; ErrConflict says that its name is taken.
func (tx *Tx) InsertAccountRole(r *AccountRole) error {
	_, err := tx.Exec(`
		insert into account_role (account_id, id, created, updated, name, permissions)
		values (?, ?, ?, ?, ?, ?)`, r.AccountID, r.ID, r.Created, r.Updated, r.Name, r.Permissions)
	return err
}

// UpdateAccountRole writes columns of a role.
func (tx *Tx) UpdateAccountRole(account, id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("account_role", sets, all(is("account_id = ?", account), is("id = ?", id))))
}

// DeleteAccountRole removes a role.
func (tx *Tx) DeleteAccountRole(account, id uuid.UUID) error {
	return known(tx.deleteWhere("account_role", all(is("account_id = ?", account), is("id = ?", id))))
}

// CountMembersWith counts the members of an account that have a role.
func (tx *Tx) CountMembersWith(account, role uuid.UUID) (int, error) {
	return tx.count("account_membership", all(is("account_id = ?", account), is("account_role_id = ?", role)))
}

// Team is a group of an account's members.
type Team struct {
	AccountID, ID     uuid.UUID
	Created, Updated  api.Time
	Name, Description string
	DirectoryGroupID  *string
}

const teamColumns = `
select team.account_id, team.id, team.created, team.updated, team.name, team.description, team.directory_group_id
from team
`

func scanTeam(row *Row) (t Team, err error) {
	return t, row.Scan(&t.AccountID, &t.ID, &t.Created, &t.Updated, &t.Name, &t.Description, &t.DirectoryGroupID)
}

// Teams lists the teams of an account by name.
func (tx *Tx) Teams(account uuid.UUID) ([]Team, error) {
	return many(tx, teamColumns+"where team.account_id = ?\norder by team.name", []any{account}, scanTeam)
}

// Team returns a team.
func (tx *Tx) Team(account, id uuid.UUID) (*Team, error) {
	return one(tx, teamColumns+"where team.account_id = ?\nand team.id = ?", []any{account, id}, scanTeam)
}

// InsertTeam adds a team; ErrConflict says that its name is taken.
func (tx *Tx) InsertTeam(t *Team) error {
	_, err := tx.Exec(`
		insert into team (account_id, id, created, updated, name, description, directory_group_id)
		values (?, ?, ?, ?, ?, ?, ?)`, t.AccountID, t.ID, t.Created, t.Updated, t.Name, t.Description, t.DirectoryGroupID)
	return err
}

// UpdateTeam writes columns of a team.
func (tx *Tx) UpdateTeam(account, id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("team", sets, all(is("account_id = ?", account), is("id = ?", id))))
}

// DeleteTeam removes a team with its members and its access.
func (tx *Tx) DeleteTeam(account, id uuid.UUID) error {
	if err := known(tx.deleteWhere("team", all(is("account_id = ?", account), is("id = ?", id)))); err != nil {
		return err
	}
	if _, err := tx.Exec("delete from workspace_access\nwhere subject_id = ?", id); err != nil {
		return err
	}
	_, err := tx.Exec("delete from team_membership\nwhere account_id = ?\nand team_id = ?", account, id)
	return err
}

// TeamMember is a member of a team.
type TeamMember struct {
	TeamID, ActorID uuid.UUID
	ActorType       string
}

// TeamMembers lists the members of all teams of an account.
func (tx *Tx) TeamMembers(account uuid.UUID) ([]TeamMember, error) {
	return many(tx, "select team_id, actor_id, actor_type\nfrom team_membership\nwhere account_id = ?\norder by team_id, created, actor_id", []any{account},
		func(row *Row) (m TeamMember, err error) { return m, row.Scan(&m.TeamID, &m.ActorID, &m.ActorType) })
}

// AddTeamMember adds a member of the account to a team, if it is none yet.
func (tx *Tx) AddTeamMember(account uuid.UUID, m TeamMember, now api.Time) error {
	_, err := tx.Exec(`
		insert into team_membership (account_id, team_id, actor_id, actor_type, created)
		values (?, ?, ?, ?, ?)
		on conflict (account_id, team_id, actor_id) do nothing`, account, m.TeamID, m.ActorID, m.ActorType, now)
	return err
}

// DeleteTeamMember takes a member out of a team.
func (tx *Tx) DeleteTeamMember(account, team, actor uuid.UUID) error {
	return known(tx.deleteWhere("team_membership", all(is("account_id = ?", account), is("team_id = ?", team), is("actor_id = ?", actor))))
}

// Invitation asks somebody by mail to become a member.
type Invitation struct {
	AccountID, ID    uuid.UUID
	Created, Updated api.Time
	Email, EmailNorm string
	AccountRoleID    uuid.UUID
	WorkspaceID      *uuid.UUID // with WorkspaceRoleID: what else it gives
	WorkspaceRoleID  *uuid.UUID
	Status           string // PENDING, ACCEPTED, REJECTED or REVOKED
	Expiration       api.Time
	CodeHash         []byte
	InvitedBy        *uuid.UUID
}

const invitationColumns = `
select account_id, id, created, updated, email, email_norm, account_role_id, workspace_id, workspace_role_id, status, expiration, code_hash, invited_by
from invitation
`

func scanInvitation(row *Row) (i Invitation, err error) {
	return i, row.Scan(&i.AccountID, &i.ID, &i.Created, &i.Updated, &i.Email, &i.EmailNorm, &i.AccountRoleID, &i.WorkspaceID, &i.WorkspaceRoleID,
		&i.Status, &i.Expiration, &i.CodeHash, &i.InvitedBy)
}

// Invitations lists the invitations of an account, the newest first.
func (tx *Tx) Invitations(account uuid.UUID) ([]Invitation, error) {
	return many(tx, invitationColumns+"where account_id = ?\norder by created desc, id desc", []any{account}, scanInvitation)
}

// Invitation returns an invitation whatever account it is to.
func (tx *Tx) Invitation(id uuid.UUID) (*Invitation, error) {
	return one(tx, invitationColumns+"where id = ?", []any{id}, scanInvitation)
}

// OpenInvitations lists the invitations to an address that can still be accepted.
func (tx *Tx) OpenInvitations(emailNorm string, now api.Time) ([]Invitation, error) {
	return many(tx, invitationColumns+"where email_norm = ?\nand status = 'PENDING'\nand expiration > ?\norder by created, id", []any{emailNorm, now}, scanInvitation)
}

// InsertInvitation adds an invitation.
func (tx *Tx) InsertInvitation(i *Invitation) error {
	_, err := tx.Exec(`
		insert into invitation (account_id, id, created, updated, email, email_norm, account_role_id, workspace_id, workspace_role_id, status, expiration, code_hash, invited_by)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		i.AccountID, i.ID, i.Created, i.Updated, i.Email, i.EmailNorm, i.AccountRoleID, i.WorkspaceID, i.WorkspaceRoleID, i.Status, i.Expiration, i.CodeHash, i.InvitedBy)
	return err
}

// SettleInvitation gives a pending invitation another status and says whether it was
// pending.
func (tx *Tx) SettleInvitation(id uuid.UUID, status string, now api.Time) (bool, error) {
	rows, err := tx.Exec("update invitation\nset status = ?, updated = ?\nwhere id = ?\nand status = 'PENDING'", status, now, id)
	return rows > 0, err
}
