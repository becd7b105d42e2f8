package identity

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
)

// Credential is what somebody has shown, as far as the rest of the server needs to know.
type Credential struct {
	ID      uuid.UUID // of the key, token or session
	Kind    string    // its prefix, or Session
	Name    string
	ActorID uuid.UUID
	// Method is how its bearer has signed in, "key" for keys.
	Method string
	// Authenticated is when that was; nil for keys, which prove nobody's presence.
	Authenticated *api.Time
	// SSOAccount is the account whose own provider has vouched for the bearer.
	SSOAccount *uuid.UUID
	// MFA says that a second factor was shown.
	MFA     bool
	Expires *api.Time
	// Workspace and Scopes bound what the credential is good for; nil is all that the
	// actor may do.
	Workspace *uuid.UUID
	Scopes    *access.Scopes
	// Run is the flow run whose program the credential is for: it is good for what belongs
	// to that run alone.
	Run *uuid.UUID
	// Touch notes that the credential is used, when it is time to; nil: it need not be.
	Touch func(tx *store.Tx, ip string) error
}

// Lookup finds the credential with a secret; nil when there is none that is still good.
type Lookup func(tx *store.Tx, secret string, now api.Time) (*Credential, error)

// Actor is who has shown a credential, with all that they may do. It does not change.
type Actor struct {
	ID                          uuid.UUID
	Type                        string // store.ActorUser or store.ActorBot
	Handle, FirstName, LastName string
	Email                       string
	Credential                  Credential
	Accounts                    []AccountGrant
	creator                     *api.CreatedBy
	workspaces                  map[uuid.UUID]*WorkspaceGrant
	until                       api.Time // when a part of it ends
}

// AccountGrant is what an actor may do in an account.
type AccountGrant struct {
	Account     store.Account
	Membership  store.Membership
	RoleName    string
	Permissions access.Permissions
	// Refused is why the account's policy keeps the actor out for now; "" lets it in.
	Refused string
	gate    *gate
}

// WorkspaceGrant is what an actor may do in a workspace.
type WorkspaceGrant struct {
	Workspace store.Workspace
	Scopes    access.Scopes
	// Refused is why the account's policy keeps the actor out for now; "" lets it in.
	Refused string
	gate    *gate
	objects objects
}

// Name is the actor's name for people.
func (a *Actor) Name() string {
	if name := strings.TrimSpace(a.FirstName + " " + a.LastName); name != "" {
		return name
	}
	return a.Handle
}

// Creator is the actor as objects keep who has made them.
func (a *Actor) Creator() *api.CreatedBy { return a.creator }

// Account finds what the actor may do in an account that it is a member of.
func (a *Actor) Account(id uuid.UUID) (AccountGrant, bool) {
	for _, g := range a.Accounts {
		if g.Account.ID == id {
			return g, true
		}
	}
	return AccountGrant{}, false
}

// Refused is why the policy of one of the actor's accounts keeps it out for now, "" when none
// does.
func (a *Actor) Refused() string {
	for _, g := range a.Accounts {
		if g.Refused != "" {
			return g.Refused
		}
	}
	return ""
}

// Workspace finds what the actor may do in a workspace of one of its accounts. The scopes
// are empty if that is nothing.
func (a *Actor) Workspace(id uuid.UUID) (WorkspaceGrant, bool) {
	if g := a.workspaces[id]; g != nil {
		return *g, true
	}
	return WorkspaceGrant{}, false
}

// Grant is Workspace without a copy; nil when it is none of the actor's accounts'. It must
// not be changed.
func (a *Actor) Grant(id uuid.UUID) *WorkspaceGrant { return a.workspaces[id] }

// Workspaces lists the workspaces in which the actor may do something, by account and
// handle.
func (a *Actor) Workspaces() []WorkspaceGrant {
	var list []WorkspaceGrant
	for _, g := range a.workspaces {
		if g.Scopes != 0 && g.Refused == "" {
			list = append(list, *g)
		}
	}
	slices.SortFunc(list, func(x, y WorkspaceGrant) int {
		if by := strings.Compare(a.accountHandle(x.Workspace.AccountID), a.accountHandle(y.Workspace.AccountID)); by != 0 {
			return by
		}
		return strings.Compare(x.Workspace.Handle, y.Workspace.Handle)
	})
	return list
}

func (a *Actor) accountHandle(id uuid.UUID) string {
	g, _ := a.Account(id)
	return g.Account.Handle
}

// FreshFor is how long after signing in a person may do what changes who gets in.
const FreshFor = 15 * time.Minute

// Fresh says that the actor has signed in just now. Keys are never fresh.
func (a *Actor) Fresh(now time.Time) bool {
	at := a.Credential.Authenticated
	return at != nil && now.Sub(at.Time) <= FreshFor
}

// The kinds of who can have access to a workspace.
const (
	ActorUser = store.ActorUser
	ActorBot  = store.ActorBot
	ActorTeam = store.ActorTeam
)
