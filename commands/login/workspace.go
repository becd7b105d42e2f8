package login

import (
	"cmp"
	"context"
	"slices"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
)

// Workspace is one that a login opens.
type Workspace struct {
	AccountID            string `json:"account_id"`
	AccountName          string `json:"account_name"`
	AccountHandle        string `json:"account_handle"`
	WorkspaceID          string `json:"workspace_id"`
	WorkspaceName        string `json:"workspace_name"`
	WorkspaceDescription string `json:"workspace_description"`
	WorkspaceHandle      string `json:"workspace_handle"`
}

// Handle is what the workspace is called, account/workspace.
func (w Workspace) Handle() string { return w.AccountHandle + "/" + w.WorkspaceHandle }

// URL is where the workspace's API is, below the root of all of them.
func (w Workspace) URL(root string) string {
	return root + "/accounts/" + w.AccountID + "/workspaces/" + w.WorkspaceID
}

// Workspaces lists what a client of the root opens, by handle.
func Workspaces(ctx context.Context, root *client.Client) ([]Workspace, error) {
	all, err := client.Ask[[]Workspace](ctx, root, "GET", "/me/workspaces", nil)
	slices.SortFunc(all, func(a, b Workspace) int { return cmp.Compare(a.Handle(), b.Handle()) })
	return all, err
}

// Named finds a workspace by its handle.
func Named(all []Workspace, handle string) (Workspace, error) {
	names := make([]string, len(all))
	for i, w := range all {
		if names[i] = w.Handle(); names[i] == handle {
			return w, nil
		}
	}
	return Workspace{}, cli.NotFound("workspace", handle, names)
}

// many is how many workspaces are offered without asking for the account first.
const many = 10

// Pick lets a person choose, of many in two steps.
func Pick(ctx context.Context, env *cli.Env, all []Workspace) (Workspace, error) {
	if len(all) == 0 {
		return Workspace{}, cli.Fail(cli.NoSuch, "you can open no workspace there", "`usher cloud workspace create` makes one, or ask somebody to let you into theirs")
	}
	if !env.Interactive() {
		return Workspace{}, cli.Usagef("there are several workspaces, and nobody can be asked which").WithHint("say --workspace; there are " + handles(all))
	}
	if len(all) > many {
		accounts := map[string][]Workspace{}
		for _, w := range all {
			accounts[w.AccountHandle] = append(accounts[w.AccountHandle], w)
		}
		names := make([]string, 0, len(accounts))
		for name := range accounts {
			names = append(names, name)
		}
		if slices.Sort(names); len(names) > 1 {
			i, err := env.Streams.Select(ctx, "Which account?", names)
			if err != nil {
				return Workspace{}, err
			}
			all = accounts[names[i]]
		}
	}
	names := make([]string, len(all))
	for i, w := range all {
		names[i] = w.Handle()
	}
	i, err := env.Streams.Select(ctx, "Which workspace?", names)
	if err != nil {
		return Workspace{}, err
	}
	return all[i], nil
}

func handles(all []Workspace) string {
	text := ""
	for i, w := range all {
		if i > 0 {
			text += ", "
		}
		text += w.Handle()
	}
	return text
}

// choose finds the workspace: the one that was named, the one in use, the only one, or a
// person's choice.
func choose(ctx context.Context, env *cli.Env, all []Workspace, handle, root, current string) (Workspace, error) {
	if handle != "" {
		return Named(all, handle)
	}
	i := slices.IndexFunc(all, func(w Workspace) bool { return w.URL(root) == current })
	switch {
	case i >= 0:
		return all[i], nil
	case len(all) == 1:
		return all[0], nil
	}
	return Pick(ctx, env, all)
}

// hasNone says of an error that the server knows no workspaces, as Prefect's own does not.
func hasNone(err error) bool {
	code := api.CodeOf(err)
	return code == api.CodeNotFound || code == api.CodeUnsupported
}
