package access

import "github.com/google/uuid"

// AccountRole is a role that members of an account have.
type AccountRole struct {
	ID          uuid.UUID
	Name        string
	Permissions Permissions
	// RunsAll gives the role of a workspace owner in every workspace of the account.
	RunsAll bool
}

// WorkspaceRole is a role that somebody has in a workspace.
type WorkspaceRole struct {
	ID                uuid.UUID
	Name, Description string
	Scopes            Scopes
}

// The built-in roles have the same ids on every server, so that documents can name them.
var (
	OwnerID, AdminID, MemberID, CollaboratorID = id(1), id(2), id(3), id(4)

	WorkspaceOwnerID, DeveloperID, RunnerID, ViewerID, WorkerID = id(17), id(18), id(19), id(20), id(21)
)

// id is the id of the n-th built-in role.
func id(n byte) uuid.UUID {
	return uuid.UUID{0x0a, 0xcc, 0xe5, 0x50, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, n}
}

// AccountRoles are the built-in roles of accounts.
func AccountRoles() []AccountRole {
	return []AccountRole{
		{OwnerID, "Owner", allBut("create:audit_event"), true},
		{AdminID, "Admin", allBut("create:audit_event", "bypass:sso", "delete:account"), true},
		{MemberID, "Member", reading("read:billing", "read:audit_event"), false},
		{CollaboratorID, "Collaborator", some("read:account", "read:workspace"), false},
	}
}

// BuiltInAccountRole finds a built-in role by its id.
func BuiltInAccountRole(id uuid.UUID) (AccountRole, bool) {
	for _, r := range AccountRoles() {
		if r.ID == id {
			return r, true
		}
	}
	return AccountRole{}, false
}

// WorkspaceRoles are the built-in roles of workspaces.
func WorkspaceRoles() []WorkspaceRole {
	viewer := seen()
	runner := viewer | scoped("run_deployments")
	developer := runner | scoped("run_flows", "manage_flows", "run_tasks", "manage_saved_search", "see_secret_blocks", "manage_blocks",
		"write_deployments", "manage_deployments", "write_work_pools", "manage_work_pools", "write_work_queues", "manage_work_queues",
		"write_workers", "manage_workers", "write_artifacts", "manage_artifacts", "write_variables", "manage_variables",
		"manage_concurrency_limits", "manage_automations", "manage_events", "manage_webhooks", "write_assets", "manage_assets", "manage_tags",
		"write_notifications", "manage_notifications", "write_incidents", "manage_mex_deploy", "manage_event_publications", "manage_event_subscriptions")
	worker := scoped("see_work_pools", "see_work_queues", "see_workers", "write_workers", "see_deployments", "see_flows", "run_flows", "run_tasks",
		"see_blocks", "see_secret_blocks", "see_variables", "write_artifacts", "see_concurrency_limits", "manage_concurrency_limits",
		"manage_events", "see_events", "write_assets")
	return []WorkspaceRole{
		{WorkspaceOwnerID, "Owner", "May do everything in the workspace.", AllScopes},
		{DeveloperID, "Developer", "May change and run everything but the workspace itself and who has access.", developer},
		{RunnerID, "Runner", "May look at everything and run deployments.", runner},
		{ViewerID, "Viewer", "May look at everything but secrets.", viewer},
		{WorkerID, "Worker", "May do what a worker needs to fetch, run and report runs.", worker},
	}
}

// BuiltInWorkspaceRole finds a built-in role by its id.
func BuiltInWorkspaceRole(id uuid.UUID) (WorkspaceRole, bool) {
	for _, r := range WorkspaceRoles() {
		if r.ID == id {
			return r, true
		}
	}
	return WorkspaceRole{}, false
}

func some(names ...Permission) Permissions {
	set, unknown := PermissionsOf(names...)
	if unknown != "" {
		panic("no such permission: " + unknown)
	}
	return set
}

func allBut(names ...Permission) Permissions { return some(permissions...) &^ some(names...) }

// reading is every permission to read but the named.
func reading(but ...Permission) (set Permissions) {
	for _, p := range permissions {
		if len(p) > 5 && p[:5] == "read:" {
			set |= some(p)
		}
	}
	return set &^ some(but...)
}

func scoped(names ...Scope) Scopes {
	set, unknown := ScopesOf(names...)
	if unknown != "" {
		panic("no such scope: " + unknown)
	}
	return set
}

// seen is every scope to look at things but secrets.
func seen() (set Scopes) {
	for _, s := range scopes {
		if len(s.name) > 4 && s.name[:4] == "see_" && s.name != "see_secret_blocks" {
			set |= scoped(s.name)
		}
	}
	return set
}
