package access_test

import (
	"testing"

	"github.com/usherhq/usher/internal/rules/access"
)

// The hosted service's own tests count 46, 44 and 13.
func TestAccountRoles(t *testing.T) {
	t.Parallel()
	want := map[string]int{"Owner": 46, "Admin": 44, "Member": 13, "Collaborator": 2}
	for _, r := range access.AccountRoles() {
		if n := len(r.Permissions.List()); n != want[r.Name] {
			t.Errorf("%s has %d permissions, not %d: %v", r.Name, n, want[r.Name], r.Permissions.List())
		}
	}
	if n := len(access.EveryPermission()); n != 47 {
		t.Errorf("there are %d permissions", n)
	}
}

func TestWorkspaceRoles(t *testing.T) {
	t.Parallel()
	want := map[string]int{"Owner": 61, "Developer": 53, "Runner": 22, "Viewer": 21, "Worker": 17}
	for _, r := range access.WorkspaceRoles() {
		if n := len(r.Scopes.List()); n != want[r.Name] {
			t.Errorf("%s has %d scopes, not %d: %v", r.Name, n, want[r.Name], r.Scopes.List())
		}
	}
	if n := len(access.EveryScope()); n != 61 || access.AllScopes != all(t) {
		t.Errorf("there are %d scopes", n)
	}
}

func all(t *testing.T) (set access.Scopes) {
	t.Helper()
	for _, s := range access.EveryScope() {
		one, unknown := access.ScopesOf(s.Name)
		if unknown != "" {
			t.Errorf("%s is no scope", unknown)
		}
		set |= one
	}
	return set
}

func TestScopesIncludeOthers(t *testing.T) {
	t.Parallel()
	set, _ := access.ScopesOf("manage_deployments", "see_secret_blocks")
	for _, s := range []access.Scope{"see_deployments", "write_deployments", "run_deployments", "see_blocks"} {
		if !set.Closed().Has(s) {
			t.Errorf("%s is not included", s)
		}
	}
	if set.Closed().Has("manage_blocks") || set.Has("no_such_scope") {
		t.Error("too much is included")
	}
}
