package api

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// PersonExport is all that a server keeps about a person. Secrets are not in it: their hashes
// tell nothing.
type PersonExport struct {
	Exported    Time                `json:"exported"`
	ID          uuid.UUID           `json:"id"`
	Created     Time                `json:"created"`
	Handle      string              `json:"handle"`
	FirstName   string              `json:"first_name"`
	LastName    string              `json:"last_name"`
	Email       string              `json:"email"`
	Location    *string             `json:"location"`
	Title       *string             `json:"title"`
	Settings    jsontext.Value      `json:"settings"`
	LastLogin   *Time               `json:"last_login"`
	Accounts    []PersonAccount     `json:"accounts"`
	Access      []PersonAccess      `json:"access"`
	Identities  []PersonIdentity    `json:"identities"`
	Factors     []PersonFactor      `json:"second_factors"`
	Sessions    []PersonSession     `json:"sessions"`
	Keys        []PersonKey         `json:"api_keys"`
	Invitations []PersonInvitation  `json:"invitations"`
	Made        []PersonMade        `json:"made"`
	Audit       []PersonAuditRecord `json:"audit"`
}

// PersonAccount is a membership in an account.
type PersonAccount struct {
	AccountID uuid.UUID `json:"account_id"`
	Handle    string    `json:"handle"`
	RoleID    uuid.UUID `json:"account_role_id"`
	Active    bool      `json:"active"`
	Since     Time      `json:"since"`
}

// PersonAccess is access to a workspace, by oneself or by a team.
type PersonAccess struct {
	WorkspaceID uuid.UUID  `json:"workspace_id"`
	RoleID      uuid.UUID  `json:"workspace_role_id"`
	TeamID      *uuid.UUID `json:"team_id"`
	Expires     *Time      `json:"expires"`
}

// PersonIdentity is who somebody is at another provider.
type PersonIdentity struct {
	Provider  string `json:"provider"`
	Issuer    string `json:"issuer"`
	Subject   string `json:"subject"`
	Email     string `json:"email"`
	LastLogin Time   `json:"last_login"`
}

// PersonFactor is a second factor.
type PersonFactor struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Created  Time   `json:"created"`
	LastUsed *Time  `json:"last_used"`
}

// PersonSession is something that somebody is signed in with.
type PersonSession struct {
	Kind     string `json:"kind"`
	Client   string `json:"client"`
	IP       string `json:"ip"`
	Agent    string `json:"user_agent"`
	Created  Time   `json:"created"`
	LastUsed Time   `json:"last_used"`
}

// PersonKey is an API key without its secret.
type PersonKey struct {
	Name       string  `json:"name"`
	Created    Time    `json:"created"`
	Expiration *Time   `json:"expiration"`
	LastUsed   *Time   `json:"last_used"`
	LastIP     *string `json:"last_ip"`
}

// PersonInvitation is an invitation to somebody's address.
type PersonInvitation struct {
	AccountID uuid.UUID `json:"account_id"`
	Created   Time      `json:"created"`
	Status    string    `json:"status"`
}

// PersonMade is a run or a deployment that names somebody as its maker.
type PersonMade struct {
	WorkspaceID uuid.UUID `json:"workspace_id"`
	Kind        string    `json:"kind"`
	ID          uuid.UUID `json:"id"`
	Name        string    `json:"name"`
}

// PersonAuditRecord is an entry of an audit log that names somebody.
type PersonAuditRecord struct {
	AccountID uuid.UUID      `json:"account_id"`
	Number    int64          `json:"seq"`
	Event     jsontext.Value `json:"event"`
}

// PersonErased says what became of a person's data.
type PersonErased struct {
	ID uuid.UUID `json:"id"`
	// Label is what stands where the name was.
	Label string `json:"label"`
	// Entries is how many of the audit logs no longer name them.
	Entries int `json:"audit_entries"`
}
