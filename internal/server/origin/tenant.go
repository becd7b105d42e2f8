package origin

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// Tenant is the workspace that a path names. The zero value is a path that names none.
type Tenant struct {
	Account, Workspace uuid.UUID
	isNamed            bool
}

// IsZero says that the path names no workspace.
func (t Tenant) IsZero() bool { return !t.isNamed }

// Named is a tenant that a path names.
func (t Tenant) Named() Tenant {
	t.isNamed = true
	return t
}

// Inside is the request as the routes of the contract see it: without the workspace at the
// beginning of its path, which links in its answer get again.
func Inside(r *http.Request) (*http.Request, Tenant) {
	const accounts, workspaces, id = API + "/accounts/", "/workspaces/", 36
	const length = len(accounts) + id + len(workspaces) + id
	path := r.URL.Path
	if len(path) < length || !strings.HasPrefix(path, accounts) || path[len(accounts)+id:length-id] != workspaces || len(path) > length && path[length] != '/' {
		return r, Tenant{}
	}
	account, err := uuid.Parse(path[len(accounts) : len(accounts)+id])
	workspace, err2 := uuid.Parse(path[length-id : length])
	if err != nil || err2 != nil {
		return r, Tenant{}
	}
	at := placeOf(r)
	at.apiPath += path[len(API):length]
	inside := r.WithContext(context.WithValue(r.Context(), placeKey{}, at))
	url := *r.URL
	url.Path = API + path[length:]
	if raw := r.URL.RawPath; len(raw) >= length && raw[:length] == path[:length] {
		url.RawPath = API + raw[length:]
	}
	inside.URL = &url
	return inside, Tenant{account, workspace, true}
}

// OtherSlash is the request with a slash at the end of its path if it has none, and
// without if it has one; nil for the root.
func OtherSlash(r *http.Request) *http.Request {
	url := *r.URL
	if bare, ok := strings.CutSuffix(url.Path, "/"); ok {
		url.Path, url.RawPath = bare, strings.TrimSuffix(url.RawPath, "/")
	} else {
		url.Path += "/"
		if url.RawPath != "" {
			url.RawPath += "/"
		}
	}
	if url.Path == "" {
		return nil
	}
	other := *r
	other.URL = &url
	return &other
}
