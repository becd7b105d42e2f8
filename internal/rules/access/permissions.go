// Package access decides who may do what: the permissions of accounts and the scopes of
// workspaces, the roles that hold them, and the decision about one request.
package access

import (
	"math/bits"
	"slices"
)

// Permission is something that may be done in an account.
type Permission string

// permissions lists all there are, in the contract's order.
var permissions = []Permission{
	"read:account", "update:account", "delete:account",
	"read:account_membership", "update:account_membership", "delete:account_membership",
	"create:account_role", "read:account_role", "update:account_role", "delete:account_role",
	"add:account_member",
	"read:sso", "administrate:sso", "bypass:sso",
	"read:billing", "update:billing",
	"create:bot", "read:bot", "update:bot", "delete:bot",
	"create:team", "read:team", "update:team", "delete:team",
	"create:invitation", "read:invitation", "update:invitation",
	"create:workspace_invitation", "read:workspace_invitation", "update:workspace_invitation",
	"administrate:workspace", "create:workspace", "read:workspace", "delete:workspace",
	"create:workspace_role", "read:workspace_role", "update:workspace_role", "delete:workspace_role",
	"create:audit_event", "read:audit_event",
	"update:ip_allowlist", "read:ip_allowlist",
	"read:mex-storage", "update:mex-storage", "delete:mex-storage",
	"read:integrations", "update:integrations",
}

// Permissions is a set of permissions. The zero value is empty.
type Permissions uint64

// EveryPermission lists all permissions.
func EveryPermission() []Permission { return slices.Clone(permissions) }

// PermissionsOf is the set of the named permissions, and the first name that is none.
func PermissionsOf(names ...Permission) (set Permissions, unknown Permission) {
	for _, name := range names {
		i := slices.Index(permissions, name)
		if i < 0 {
			return set, name
		}
		set |= 1 << i
	}
	return set, ""
}

// Has says whether the set holds p; nothing holds a permission that does not exist.
func (s Permissions) Has(p Permission) bool {
	i := slices.Index(permissions, p)
	return i >= 0 && s&(1<<i) != 0
}

// List names what the set holds, in the contract's order.
func (s Permissions) List() []Permission {
	list := make([]Permission, 0, bits.OnesCount64(uint64(s)))
	for i, p := range permissions {
		if s&(1<<i) != 0 {
			list = append(list, p)
		}
	}
	return list
}

// Scope is something that may be done in a workspace.
type Scope string

// scopes lists all there are, in the contract's order, with the words for people and the
// group that they belong to.
var scopes = []struct {
	name         Scope
	title, group string
}{
	{"see_flows", "See flows, runs and logs", "flows"},
	{"manage_saved_search", "Manage saved searches", "flows"},
	{"run_flows", "Create and change flows and runs", "flows"},
	{"manage_flows", "Delete flows and runs", "flows"},
	{"run_tasks", "Run background tasks", "flows"},
	{"see_blocks", "See blocks, secrets masked", "blocks"},
	{"see_secret_blocks", "See the secrets of blocks", "blocks"},
	{"manage_blocks", "Create, change and delete blocks", "blocks"},
	{"see_deployments", "See deployments", "deployments"},
	{"run_deployments", "Run deployments", "deployments"},
	{"write_deployments", "Create and change deployments", "deployments"},
	{"manage_deployments", "Delete deployments, decide who may use them", "deployments"},
	{"see_notifications", "See notifications", "notifications"},
	{"write_notifications", "Create and change notifications", "notifications"},
	{"manage_notifications", "Delete notifications", "notifications"},
	{"see_workspace_settings", "See the workspace's settings", "workspace"},
	{"write_workspace_settings", "Change the workspace's settings", "workspace"},
	{"manage_workspace_settings", "Delete the workspace", "workspace"},
	{"see_workspace_users", "See who has access", "access"},
	{"manage_workspace_users", "Give and take access of people", "access"},
	{"see_workspace_service_accounts", "See service accounts with access", "access"},
	{"manage_workspace_service_accounts", "Give and take access of service accounts", "access"},
	{"manage_workspace_teams", "Give and take access of teams", "access"},
	{"see_work_queues", "See and poll work queues", "work pools"},
	{"write_work_queues", "Create and change work queues", "work pools"},
	{"manage_work_queues", "Delete work queues", "work pools"},
	{"see_concurrency_limits", "See concurrency limits", "concurrency"},
	{"manage_concurrency_limits", "Take slots; create, change and delete limits", "concurrency"},
	{"see_events", "See events", "events"},
	{"manage_events", "Send events", "events"},
	{"see_event_publications", "See published events", "events"},
	{"manage_event_publications", "Publish events to other workspaces", "events"},
	{"see_event_subscriptions", "See subscriptions to events", "events"},
	{"manage_event_subscriptions", "Subscribe to other workspaces' events", "events"},
	{"see_automations", "See automations", "automations"},
	{"manage_automations", "Create, change and delete automations", "automations"},
	{"see_work_pools", "See work pools", "work pools"},
	{"write_work_pools", "Create and change work pools", "work pools"},
	{"manage_work_pools", "Delete work pools, decide who may use them", "work pools"},
	{"see_workers", "See workers", "work pools"},
	{"write_workers", "Report as a worker", "work pools"},
	{"manage_workers", "Delete workers", "work pools"},
	{"see_artifacts", "See artifacts", "artifacts"},
	{"write_artifacts", "Create and change artifacts", "artifacts"},
	{"manage_artifacts", "Delete artifacts", "artifacts"},
	{"see_variables", "See variables", "variables"},
	{"write_variables", "Create and change variables", "variables"},
	{"manage_variables", "Delete variables", "variables"},
	{"manage_acls", "Decide who may use single objects", "access"},
	{"see_incidents", "See incidents", "incidents"},
	{"write_incidents", "Declare and change incidents", "incidents"},
	{"manage_incidents", "Delete incidents", "incidents"},
	{"manage_mex_storage", "Manage storage of managed runs", "managed execution"},
	{"manage_mex_deploy", "Deploy to managed execution", "managed execution"},
	{"see_tags", "See tags", "tags"},
	{"manage_tags", "Delete tags", "tags"},
	{"see_assets", "See assets", "assets"},
	{"write_assets", "Create and change assets", "assets"},
	{"manage_assets", "Delete assets", "assets"},
	{"see_webhooks", "See webhooks", "webhooks"},
	{"manage_webhooks", "Create, change and delete webhooks", "webhooks"},
}

// index finds the place of a scope in constant time: every request asks for one.
var index = func() map[Scope]int {
	places := make(map[Scope]int, len(scopes))
	for i, s := range scopes {
		places[s.name] = i
	}
	return places
}()

// Scopes is a set of scopes. The zero value is empty.
type Scopes uint64

// AllScopes is the set of all scopes.
const AllScopes = Scopes(1<<61 - 1)

// ScopesOf is the set of the named scopes, and the first name that is none.
func ScopesOf(names ...Scope) (set Scopes, unknown Scope) {
	for _, name := range names {
		i, known := index[name]
		if !known {
			return set, name
		}
		set |= 1 << i
	}
	return set, ""
}

// Has says whether the set holds a scope; nothing holds one that does not exist.
func (s Scopes) Has(scope Scope) bool {
	i, known := index[scope]
	return known && s&(1<<i) != 0
}

// List names what the set holds, in the contract's order.
func (s Scopes) List() []Scope {
	list := make([]Scope, 0, bits.OnesCount64(uint64(s)))
	for i, scope := range scopes {
		if s&(1<<i) != 0 {
			list = append(list, scope.name)
		}
	}
	return list
}

// ScopeInfo describes a scope to people and to programs that offer a choice of them.
type ScopeInfo struct {
	Name         Scope
	Title, Group string
	Includes     []Scope // what holds too for who has it
	See          *Scope  // what one must have to see the objects that it is about
}

// EveryScope describes all scopes.
func EveryScope() []ScopeInfo {
	list := make([]ScopeInfo, len(scopes))
	for i, s := range scopes {
		list[i] = ScopeInfo{Name: s.name, Title: s.title, Group: s.group, Includes: included(s.name), See: seeing(s.name)}
	}
	return list
}
