package store

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/migrations"
)

// Workspace holds the objects of an account.
type Workspace struct {
	ID, AccountID    uuid.UUID
	Created, Updated api.Time
	Name, Handle     string
	Description      string
	DefaultRoleID    *uuid.UUID // what every member of the account may do
	IsPublic         bool
	Settings         jsontext.Value
}

const workspaceColumns = `
select workspace.id, workspace.account_id, workspace.created, workspace.updated, workspace.name, workspace.handle, workspace.description,
  workspace.default_workspace_role_id, workspace.is_public, workspace.settings
from workspace
`

func scanWorkspace(row *Row) (w Workspace, err error) {
	return w, row.Scan(&w.ID, &w.AccountID, &w.Created, &w.Updated, &w.Name, &w.Handle, &w.Description, &w.DefaultRoleID, &w.IsPublic, &w.Settings)
}

// Workspaces lists all workspaces by name.
func (tx *Tx) Workspaces() ([]Workspace, error) {
	return many(tx, workspaceColumns+"order by workspace.name, workspace.id", nil, scanWorkspace)
}

// WorkspacesOf lists the workspaces of an account by handle.
func (tx *Tx) WorkspacesOf(account uuid.UUID) ([]Workspace, error) {
	return many(tx, workspaceColumns+"where workspace.account_id = ?\norder by workspace.handle", []any{account}, scanWorkspace)
}

// WorkspaceByID returns a workspace.
func (tx *Tx) WorkspaceByID(id uuid.UUID) (*Workspace, error) {
	return one(tx, workspaceColumns+"where workspace.id = ?", []any{id}, scanWorkspace)
}

// InsertWorkspace adds a workspace; ErrConflict says that the account has its handle.
func (tx *Tx) InsertWorkspace(w *Workspace) error {
	_, err := tx.Exec(`
		insert into workspace (id, account_id, created, updated, name, handle, description, default_workspace_role_id, is_public, settings)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.ID, w.AccountID, w.Created, w.Updated, w.Name, w.Handle, w.Description, w.DefaultRoleID, w.IsPublic, w.Settings)
	return err
}

// UpdateWorkspace writes columns of a workspace.
func (tx *Tx) UpdateWorkspace(id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("workspace", sets, is("id = ?", id)))
}

// WorkspaceRole is a role that an account has made besides the built-in ones.
type WorkspaceRole struct {
	AccountID, ID     uuid.UUID
	Created, Updated  api.Time
	Name, Description string
	Scopes            []string
	InheritedRoleID   *uuid.UUID
}

const workspaceRoleColumns = `
select account_id, id, created, updated, name, description, scopes, inherited_role_id
from workspace_role
`

func scanWorkspaceRole(row *Row) (r WorkspaceRole, err error) {
	return r, row.Scan(&r.AccountID, &r.ID, &r.Created, &r.Updated, &r.Name, &r.Description, &r.Scopes, &r.InheritedRoleID)
}

// WorkspaceRoles lists the roles that an account has made, by name.
func (tx *Tx) WorkspaceRoles(account uuid.UUID) ([]WorkspaceRole, error) {
	return many(tx, workspaceRoleColumns+"where account_id = ?\norder by name", []any{account}, scanWorkspaceRole)
}

// InsertWorkspaceRole adds a role; ErrConflict says that its name is taken.
func (tx *Tx) InsertWorkspaceRole(r *WorkspaceRole) error {
	_, err := tx.Exec(`
		insert into workspace_role (account_id, id, created, updated, name, description, scopes, inherited_role_id)
		values (?, ?, ?, ?, ?, ?, ?, ?)`, r.AccountID, r.ID, r.Created, r.Updated, r.Name, r.Description, r.Scopes, r.InheritedRoleID)
	return err
}

// UpdateWorkspaceRole writes columns of a role.
func (tx *Tx) UpdateWorkspaceRole(account, id uuid.UUID, sets ...Set) error {
	return known(tx.setWhere("workspace_role", sets, all(is("account_id = ?", account), is("id = ?", id))))
}

// DeleteWorkspaceRole removes a role.
func (tx *Tx) DeleteWorkspaceRole(account, id uuid.UUID) error {
	return known(tx.deleteWhere("workspace_role", all(is("account_id = ?", account), is("id = ?", id))))
}

// WorkspaceRoleInUse says whether anybody has a role of the account, or inherits from it.
func (tx *Tx) WorkspaceRoleInUse(account, role uuid.UUID) (bool, error) {
	var n int
	err := tx.QueryRow(`
		select (select count(*) from workspace_access join workspace on workspace.id = workspace_access.workspace_id where workspace.account_id = ? and workspace_access.workspace_role_id = ?)
		  + (select count(*) from workspace where account_id = ? and default_workspace_role_id = ?)
		  + (select count(*) from workspace_role where account_id = ? and inherited_role_id = ?)`,
		[]any{account, role, account, role, account, role}, &n)
	return n > 0, err
}

// Access gives a user, a service account or a team a role in a workspace.
type Access struct {
	WorkspaceID, ID  uuid.UUID
	Created, Updated api.Time
	SubjectID        uuid.UUID
	SubjectType      string // ActorUser, ActorBot or ActorTeam
	RoleID           uuid.UUID
	Expires          *api.Time
}

const accessColumns = `
select workspace_access.workspace_id, workspace_access.id, workspace_access.created, workspace_access.updated, workspace_access.subject_id,
  workspace_access.subject_type, workspace_access.workspace_role_id, workspace_access.expires
from workspace_access
`

func scanAccess(row *Row) (a Access, err error) {
	return a, row.Scan(&a.WorkspaceID, &a.ID, &a.Created, &a.Updated, &a.SubjectID, &a.SubjectType, &a.RoleID, &a.Expires)
}

// Accesses lists who has access to the workspace.
func (tx *Tx) Accesses() ([]Access, error) {
	return many(tx, accessColumns+"where workspace_id = ?\norder by created, id", []any{tx.workspace}, scanAccess)
}

// AccessOf lists what an actor may do in workspaces, by itself, by its teams and by requests
// that were approved, even if their time is over.
func (tx *Tx) AccessOf(actor uuid.UUID) ([]Access, error) {
	return many(tx, accessColumns+`
		where workspace_access.subject_id = ?
		or workspace_access.subject_id in (select team_id from team_membership where actor_id = ?)
		union all
		select workspace_id, id, created, updated, actor_id, actor_type, workspace_role_id, expires
		from access_request
		where actor_id = ?
		and status = 'APPROVED'`, []any{actor, actor, actor}, scanAccess)
}

// TeamAccesses lists the access that teams of an account have to its workspaces.
func (tx *Tx) TeamAccesses(account uuid.UUID) ([]Access, error) {
	return many(tx, accessColumns+`
		join workspace on workspace.id = workspace_access.workspace_id
		where workspace.account_id = ?
		and workspace_access.subject_type = 'team'
		order by workspace_access.created, workspace_access.id`, []any{account}, scanAccess)
}

// PutAccess gives access, or another role to who has it.
func (tx *Tx) PutAccess(a *Access) error {
	return tx.QueryRow(`
		insert into workspace_access (workspace_id, id, created, updated, subject_id, subject_type, workspace_role_id, expires)
		values (?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, subject_id) do update
		set updated = excluded.updated, workspace_role_id = excluded.workspace_role_id, expires = excluded.expires
		returning id, created`,
		[]any{tx.workspace, a.ID, a.Created, a.Updated, a.SubjectID, a.SubjectType, a.RoleID, a.Expires}, &a.ID, &a.Created)
}

// DeleteAccess takes access away.
func (tx *Tx) DeleteAccess(id uuid.UUID) error { return known(tx.deleteRow("workspace_access", id)) }

// PutAccessTo is PutAccess for the workspace that the access names.
func (tx *Tx) PutAccessTo(a *Access) error {
	return tx.In(a.WorkspaceID, func(in *Tx) error { return in.PutAccess(a) })
}

// WorkspaceInUse says whether somebody has made something in the workspace.
func (tx *Tx) WorkspaceInUse() (bool, error) {
	for _, table := range []string{"flow", "deployment", "variable", "work_pool", "block_document", "automation", "concurrency_limit", "concurrency_limit_v2", "artifact"} {
		var n int
		err := tx.QueryRow("select count(*)\nfrom (select 1 from "+table+" where workspace_id = ? limit 1) as found", []any{tx.workspace}, &n)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// DeleteWorkspace removes the workspace with all that is in it, but for what the audit log
// says of it.
func (tx *Tx) DeleteWorkspace() error {
	steps, err := migrations.For(tx.sql.Name())
	if err != nil {
		return err
	}
	for _, step := range slices.Backward(steps) {
		for _, table := range slices.Backward(step.Made("table")) {
			if slices.Contains(AboveWorkspaces, table) || table == "audit_entry" || table == "invitation" {
				continue
			}
			if _, err := tx.Exec("delete from "+table+"\nwhere workspace_id = ?", tx.workspace); err != nil {
				return err
			}
		}
	}
	return known(tx.deleteWhere("workspace", is("id = ?", tx.workspace)))
}

// AboveWorkspaces are the tables of accounts and of people, who may be in several.
var AboveWorkspaces = []string{
	"workspace", "schema_migration", "account_key", "account", "account_domain", "account_role", "account_membership", "auth_user", "bot", "team",
	"team_membership", "workspace_role", "api_key", "revocation_epoch", "audit_head", "ip_allow",
	"auth_magic_link", "auth_token", "auth_code", "auth_device", "auth_user_identity", "auth_throttle", "auth_seen", "auth_flow",
	"access_review", "account_change", "change_control", "sso_connection", "auth_arrival", "auth_factor", "auth_recovery", "auth_challenge",
	"scim_token", "mail_outbox", "account_image", "user_image",
}
