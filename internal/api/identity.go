package api

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// The identity part of the hosted service's contract: who may use the server. Requests
// refuse members that the contract does not know.

// Me is who asks.
type Me struct {
	ID                uuid.UUID      `json:"id"`
	Handle            string         `json:"handle"`
	FirstName         string         `json:"first_name"`
	LastName          string         `json:"last_name"`
	Email             string         `json:"email"`
	Location          *string        `json:"location"`
	PersonalAccountID *uuid.UUID     `json:"personal_account_id"`
	Settings          jsontext.Value `json:"settings"`
}

// UserAccount is an account that the asking actor is a member of.
type UserAccount struct {
	MembershipID uuid.UUID `json:"account_membership_id"`
	ID           uuid.UUID `json:"account_id"`
	Name         string    `json:"account_name"`
	RoleName     string    `json:"account_role_name"`
	Handle       string    `json:"account_handle"`
	PlanType     string    `json:"account_plan_type"`
	PlanTier     *string   `json:"account_plan_tier"`
	PlanFeatures []string  `json:"account_plan_features"`
}

// UserOrganization is a UserAccount as older clients know it.
type UserOrganization struct {
	MembershipID uuid.UUID `json:"account_membership_id"`
	ID           uuid.UUID `json:"account_id"`
	Name         string    `json:"account_name"`
	RoleName     string    `json:"account_role_name"`
	Handle       string    `json:"account_handle"`
}

// UserWorkspace is a workspace in which the asking actor may do something.
type UserWorkspace struct {
	AccountID     uuid.UUID `json:"account_id"`
	AccountName   string    `json:"account_name"`
	AccountHandle string    `json:"account_handle"`
	ID            uuid.UUID `json:"workspace_id"`
	Name          string    `json:"workspace_name"`
	Description   string    `json:"workspace_description"`
	Handle        string    `json:"workspace_handle"`
}

// User is a person.
type User struct {
	ID                uuid.UUID      `json:"id"`
	Created           Time           `json:"created"`
	Updated           Time           `json:"updated"`
	ActorID           uuid.UUID      `json:"actor_id"`
	IDPUserID         string         `json:"idp_user_id"`
	Handle            string         `json:"handle"`
	FirstName         string         `json:"first_name"`
	LastName          string         `json:"last_name"`
	Email             string         `json:"email"`
	Location          *string        `json:"location"`
	Title             *string        `json:"title"`
	ImageLocation     *string        `json:"image_location"`
	PersonalAccountID *uuid.UUID     `json:"personal_account_id"`
	Settings          jsontext.Value `json:"settings"`
	LastLogin         *Time          `json:"last_login"`
}

// UserUpdate changes a person.
type UserUpdate struct {
	Handle        Opt[string]    `json:"handle,omitzero" check:"null"`
	FirstName     Opt[string]    `json:"first_name,omitzero" check:"null,maxlen=500"`
	LastName      Opt[string]    `json:"last_name,omitzero" check:"null,maxlen=500"`
	Email         Opt[string]    `json:"email,omitzero" check:"null"`
	Location      Opt[string]    `json:"location,omitzero" check:"null,maxlen=5000"`
	Title         Opt[string]    `json:"title,omitzero" check:"null,maxlen=5000"`
	ImageLocation Opt[string]    `json:"image_location,omitzero" check:"null"`
	Settings      jsontext.Value `json:"settings,omitzero" check:"null"`
	LastLogin     jsontext.Value `json:"last_login,omitzero" check:"null"`
}

// APIKeyCreate asks for a key.
type APIKeyCreate struct {
	Name       string `json:"name" check:"required,maxlen=250"`
	Expiration *Time  `json:"expiration,omitzero" check:"null"`
}

// APIKeyCreated is a key with its secret, which is not told again.
type APIKeyCreated struct {
	ID         uuid.UUID `json:"id"`
	Created    Time      `json:"created"`
	Name       string    `json:"name"`
	Expiration *Time     `json:"expiration"`
	Key        string    `json:"key"`
}

// APIKey is a key without its secret.
type APIKey struct {
	ID         uuid.UUID `json:"id"`
	Created    Time      `json:"created"`
	Name       string    `json:"name"`
	Expiration *Time     `json:"expiration"`
	MaskedKey  string    `json:"masked_key"`
}

// Account is a tenant.
type Account struct {
	ID                      uuid.UUID      `json:"id"`
	Created                 Time           `json:"created"`
	Updated                 Time           `json:"updated"`
	Name                    string         `json:"name"`
	Handle                  string         `json:"handle"`
	Location                *string        `json:"location"`
	Link                    *string        `json:"link"`
	ImageLocation           *string        `json:"image_location"`
	StripeCustomerID        *string        `json:"stripe_customer_id"`
	AuthExpirationSeconds   *int           `json:"auth_expiration_seconds"`
	StatusLastUpdated       *Time          `json:"status_last_updated"`
	Settings                jsontext.Value `json:"settings"`
	Status                  string         `json:"status"`
	WorkosConnectionIDs     []string       `json:"workos_connection_ids"`
	WorkosDirectoryIDs      []string       `json:"workos_directory_ids"`
	WorkosOrganizationID    *string        `json:"workos_organization_id"`
	PlanType                string         `json:"plan_type"`
	PlanTier                *string        `json:"plan_tier"`
	SelfServe               bool           `json:"self_serve"`
	SCIMState               string         `json:"scim_state"`
	SSOState                string         `json:"sso_state"`
	BillingEmail            *string        `json:"billing_email"`
	Features                []string       `json:"features"`
	MaxDeploymentsPerSpace  *int           `json:"max_deployments_per_workspace"`
	WorkPoolLimit           *int           `json:"work_pool_limit"`
	NonManagedWorkPoolLimit *int           `json:"non_mex_work_pool_limit"`
	ManagedWorkPoolLimit    int            `json:"mex_work_pool_limit"`
	RunRetentionDays        int            `json:"run_retention_days"`
	AuditLogRetentionDays   int            `json:"audit_log_retention_days"`
	AutomationsLimit        int            `json:"automations_limit"`
}

// AccountUpdate changes an account.
type AccountUpdate struct {
	Name                  Opt[string]    `json:"name,omitzero" check:"null,maxlen=5000"`
	Handle                Opt[string]    `json:"handle,omitzero" check:"null"`
	Location              Opt[string]    `json:"location,omitzero" check:"null,maxlen=5000"`
	Link                  Opt[string]    `json:"link,omitzero" check:"null,maxlen=5000"`
	WorkosDirectoryIDs    jsontext.Value `json:"workos_directory_ids,omitzero" check:"null"`
	WorkosOrganizationID  jsontext.Value `json:"workos_organization_id,omitzero" check:"null"`
	WorkosConnectionIDs   jsontext.Value `json:"workos_connection_ids,omitzero" check:"null"`
	AuthExpirationSeconds Opt[int]       `json:"auth_expiration_seconds,omitzero" check:"null,min=300"`
	Settings              jsontext.Value `json:"settings,omitzero" check:"null"`
	BillingEmail          Opt[string]    `json:"billing_email,omitzero" check:"null"`
}

// AccountDomain is a domain whose addresses belong to an account's people.
type AccountDomain struct {
	ID        uuid.UUID `json:"id"`
	Created   Time      `json:"created"`
	Updated   Time      `json:"updated"`
	AccountID uuid.UUID `json:"account_id"`
	Name      string    `json:"name"`
	// Verified is when the DNS has proven that the domain is the account's; nil: not yet.
	Verified *Time `json:"verified_at"`
	// Record is the text that the DNS of the domain has to have in a TXT record.
	Record string `json:"dns_txt_record"`
}

// AccountDomainsUpdate replaces the domains of an account.
type AccountDomainsUpdate struct {
	DomainNames []string `json:"domain_names" check:"required"`
}

// AccountRole is a role of an account's members.
type AccountRole struct {
	ID           uuid.UUID  `json:"id"`
	Created      *Time      `json:"created"`
	Updated      *Time      `json:"updated"`
	AccountID    *uuid.UUID `json:"account_id"`
	Name         string     `json:"name"`
	Permissions  []string   `json:"permissions"`
	IsSystemRole bool       `json:"is_system_role"`
}

// AccountRoleFilter chooses roles.
type AccountRoleFilter struct {
	Name *Match[string]    `json:"name,omitzero" check:"null"`
	ID   *Match[uuid.UUID] `json:"id,omitzero" check:"null"`
}

// AccountMembership is a member in a list.
type AccountMembership struct {
	ID        uuid.UUID  `json:"id"`
	ActorID   uuid.UUID  `json:"actor_id"`
	UserID    *uuid.UUID `json:"user_id"`
	FirstName *string    `json:"first_name"`
	LastName  *string    `json:"last_name"`
	Handle    *string    `json:"handle"`
	Email     *string    `json:"email"`
	RoleName  string     `json:"account_role_name"`
	RoleID    uuid.UUID  `json:"account_role_id"`
	LastLogin *Time      `json:"last_login"`
	Active    bool       `json:"active"`
}

// AccountMember is all about one member.
type AccountMember struct {
	ID          uuid.UUID     `json:"id"`
	Created     Time          `json:"created"`
	Updated     Time          `json:"updated"`
	ActorID     uuid.UUID     `json:"actor_id"`
	AccountID   uuid.UUID     `json:"account_id"`
	UserID      *uuid.UUID    `json:"user_id"`
	Handle      string        `json:"handle"`
	FirstName   *string       `json:"first_name"`
	LastName    *string       `json:"last_name"`
	Email       *string       `json:"email"`
	RoleID      uuid.UUID     `json:"account_role_id"`
	RoleName    string        `json:"account_role_name"`
	DirectoryID *string       `json:"directory_id"`
	Timezone    *string       `json:"timezone"`
	Teams       []TeamSummary `json:"teams"`
	Active      bool          `json:"active"`
}

// TeamSummary names a team.
type TeamSummary struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

// AccountMembershipFilter chooses members.
type AccountMembershipFilter struct {
	RoleID  *Match[uuid.UUID] `json:"account_role_id,omitzero" check:"null"`
	UserID  *Match[uuid.UUID] `json:"user_id,omitzero" check:"null"`
	Email   *Match[string]    `json:"email,omitzero" check:"null"`
	Handle  *Match[string]    `json:"handle,omitzero" check:"null"`
	Name    *Match[string]    `json:"name,omitzero" check:"null"`
	ActorID *Match[uuid.UUID] `json:"actor_id,omitzero" check:"null"`
}

// AccountMembershipsRequest asks for members.
type AccountMembershipsRequest struct {
	Memberships *AccountMembershipFilter `json:"account_memberships,omitzero" check:"null"`
	Filter      *AccountMembershipFilter `json:"filter,omitzero" check:"null"` // as Memberships, in requests that count
	Sort        Opt[string]              `json:"sort,omitzero" check:"null"`
	OnlyUsers   bool                     `json:"only_users,omitzero"`
	OnlyBots    bool                     `json:"only_bots,omitzero"`
	Active      *bool                    `json:"active,omitzero" check:"null"`
	Limit       Opt[int]                 `json:"limit,omitzero" check:"min=0,max=200"`
	Offset      Opt[int]                 `json:"offset,omitzero" check:"min=0"`
}

// AccountMembershipUpdate gives a member another role.
type AccountMembershipUpdate struct {
	RoleID uuid.UUID `json:"account_role_id" check:"required"`
}

// AccountMembershipSetActive lets a member in or keeps it out.
type AccountMembershipSetActive struct {
	Active bool `json:"active" check:"required"`
}

// AccountMembershipBulkSetActive does the same to many.
type AccountMembershipBulkSetActive struct {
	MembershipIDs []uuid.UUID `json:"membership_ids" check:"required"`
	Active        bool        `json:"active" check:"required"`
}

// BotCreate makes a service account.
type BotCreate struct {
	Name             string     `json:"name" check:"required,maxlen=250"`
	APIKeyExpiration *Time      `json:"api_key_expiration,omitzero" check:"null"`
	RoleID           *uuid.UUID `json:"account_role_id,omitzero" check:"null"`
}

// BotCreated is a service account with a new key.
type BotCreated struct {
	ID        uuid.UUID     `json:"id"`
	Created   Time          `json:"created"`
	Updated   Time          `json:"updated"`
	ActorID   uuid.UUID     `json:"actor_id"`
	AccountID uuid.UUID     `json:"account_id"`
	Name      string        `json:"name"`
	RoleName  string        `json:"account_role_name"`
	APIKey    APIKeyCreated `json:"api_key"`
}

// Bot is a service account.
type Bot struct {
	ID        uuid.UUID `json:"id"`
	Created   Time      `json:"created"`
	Updated   Time      `json:"updated"`
	ActorID   uuid.UUID `json:"actor_id"`
	AccountID uuid.UUID `json:"account_id"`
	Name      string    `json:"name"`
	RoleName  string    `json:"account_role_name"`
	APIKey    APIKey    `json:"api_key"`
}

// BotUpdate changes a service account.
type BotUpdate struct {
	Name   Opt[string] `json:"name,omitzero" check:"null,maxlen=250"`
	RoleID *uuid.UUID  `json:"account_role_id,omitzero" check:"null"`
}

// BotRotateAPIKey gives a service account a new key.
type BotRotateAPIKey struct {
	APIKeyExpiration       *Time    `json:"api_key_expiration,omitzero" check:"null"`
	OldKeyExpiresInSeconds Opt[int] `json:"old_key_expires_in_seconds,omitzero" check:"null,min=0,max=172800"`
}

// BotAPIKeys are the keys of a service account that open something.
type BotAPIKeys struct {
	ActiveKey    *APIKey  `json:"active_key"`
	RotatingKeys []APIKey `json:"rotating_keys"`
}

// IDNameFilter chooses by id and name.
type IDNameFilter struct {
	ID   *Match[uuid.UUID] `json:"id,omitzero" check:"null"`
	Name *Match[string]    `json:"name,omitzero" check:"null"`
}

// InvitationCreate invites somebody.
type InvitationCreate struct {
	Email  string    `json:"email" check:"required"`
	RoleID uuid.UUID `json:"account_role_id" check:"required"`
}

// Invitation asks somebody to become a member.
type Invitation struct {
	ID              uuid.UUID  `json:"id"`
	Created         Time       `json:"created"`
	Updated         Time       `json:"updated"`
	Email           string     `json:"email"`
	AccountID       uuid.UUID  `json:"account_id"`
	RoleID          uuid.UUID  `json:"account_role_id"`
	WorkspaceID     *uuid.UUID `json:"workspace_id,omitzero"`
	WorkspaceRoleID *uuid.UUID `json:"workspace_role_id,omitzero"`
	Status          string     `json:"status"`
	Expiration      Time       `json:"expiration"`
}

// InvitationFilter chooses invitations.
type InvitationFilter struct {
	Status     *Match[string] `json:"status,omitzero" check:"null"`
	Expiration jsontext.Value `json:"expiration,omitzero" check:"null"`
	Email      *Match[string] `json:"email,omitzero" check:"null"`
}

// Workspace holds the objects of an account.
type Workspace struct {
	ID            uuid.UUID  `json:"id"`
	Created       Time       `json:"created"`
	Updated       Time       `json:"updated"`
	AccountID     uuid.UUID  `json:"account_id"`
	Name          string     `json:"name"`
	Description   string     `json:"description"`
	Handle        string     `json:"handle"`
	DefaultRoleID *uuid.UUID `json:"default_workspace_role_id"`
	IsPublic      bool       `json:"is_public"`
}

// WorkspaceCreate makes a workspace.
type WorkspaceCreate struct {
	Name        string      `json:"name" check:"required,maxlen=5000"`
	Description Opt[string] `json:"description,omitzero" check:"null,maxlen=5000"`
	Handle      string      `json:"handle" check:"required"`
}

// WorkspaceUpdate changes a workspace.
type WorkspaceUpdate struct {
	Name          Opt[string]    `json:"name,omitzero" check:"null,maxlen=5000"`
	Handle        Opt[string]    `json:"handle,omitzero" check:"null"`
	Description   Opt[string]    `json:"description,omitzero" check:"null,maxlen=5000"`
	DefaultRoleID Opt[uuid.UUID] `json:"default_workspace_role_id,omitzero" check:"null"`
}

// WorkspaceFilter chooses workspaces.
type WorkspaceFilter struct {
	ID     *Match[uuid.UUID] `json:"id,omitzero" check:"null"`
	Handle *Match[string]    `json:"handle,omitzero" check:"null"`
}

// WorkspaceRole is a role in workspaces.
type WorkspaceRole struct {
	ID              uuid.UUID  `json:"id"`
	Created         *Time      `json:"created"`
	Updated         *Time      `json:"updated"`
	AccountID       *uuid.UUID `json:"account_id"`
	Name            string     `json:"name"`
	Description     string     `json:"description"`
	Permissions     []string   `json:"permissions"`
	Scopes          []string   `json:"scopes"`
	InheritedRoleID *uuid.UUID `json:"inherited_role_id"`
}

// WorkspaceRoleCreate makes a role.
type WorkspaceRoleCreate struct {
	Name            string      `json:"name" check:"required,maxlen=250"`
	Description     Opt[string] `json:"description,omitzero" check:"null,maxlen=140"`
	Scopes          []string    `json:"scopes,omitzero"`
	InheritedRoleID *uuid.UUID  `json:"inherited_role_id,omitzero" check:"null"`
}

// WorkspaceRoleUpdate changes a role.
type WorkspaceRoleUpdate struct {
	Name            Opt[string]    `json:"name,omitzero" check:"null,maxlen=250"`
	Description     Opt[string]    `json:"description,omitzero" check:"null,maxlen=140"`
	Scopes          Opt[[]string]  `json:"scopes,omitzero" check:"null"`
	InheritedRoleID Opt[uuid.UUID] `json:"inherited_role_id,omitzero" check:"null"`
}

// WorkspaceRoleFilter chooses roles.
type WorkspaceRoleFilter struct {
	Name     *Match[string] `json:"name,omitzero" check:"null"`
	IsGlobal *bool          `json:"is_global,omitzero" check:"null"`
}

// WorkspaceScope describes a scope.
type WorkspaceScope struct {
	Name           string   `json:"name"`
	Title          string   `json:"title"`
	FeatureGroup   string   `json:"feature_group"`
	IncludesScopes []string `json:"includes_scopes"`
	SeeScope       *string  `json:"see_scope"`
}

// WorkspaceAccess says which role somebody has in a workspace. Of the members that name
// who it is only those of their kind are set.
type WorkspaceAccess struct {
	ID          uuid.UUID  `json:"id"`
	Created     Time       `json:"created"`
	Updated     Time       `json:"updated"`
	WorkspaceID uuid.UUID  `json:"workspace_id"`
	RoleID      uuid.UUID  `json:"workspace_role_id"`
	ActorID     *uuid.UUID `json:"actor_id,omitzero"`
	UserID      *uuid.UUID `json:"user_id,omitzero"`
	FirstName   *string    `json:"first_name,omitzero"`
	LastName    *string    `json:"last_name,omitzero"`
	Email       *string    `json:"email,omitzero"`
	Handle      *string    `json:"handle,omitzero"`
	BotID       *uuid.UUID `json:"bot_id,omitzero"`
	BotName     *string    `json:"bot_name,omitzero"`
	TeamID      *uuid.UUID `json:"team_id,omitzero"`
	TeamName    *string    `json:"team_name,omitzero"`
}

// WorkspaceAccessCreate gives somebody a role in a workspace: a user, a service account or
// a team, as the operation says.
type WorkspaceAccessCreate struct {
	UserID *uuid.UUID `json:"user_id,omitzero"`
	BotID  *uuid.UUID `json:"bot_id,omitzero"`
	TeamID *uuid.UUID `json:"team_id,omitzero"`
	RoleID uuid.UUID  `json:"workspace_role_id" check:"required"`
}

// WorkspaceAccessFilter chooses who has access.
type WorkspaceAccessFilter struct {
	RoleID  *Match[uuid.UUID] `json:"workspace_role_id,omitzero" check:"null"`
	ActorID *Match[uuid.UUID] `json:"actor_id,omitzero" check:"null"`
}

// Team is a group of members.
type Team struct {
	ID               uuid.UUID             `json:"id"`
	Created          Time                  `json:"created"`
	Updated          Time                  `json:"updated"`
	AccountID        uuid.UUID             `json:"account_id"`
	Name             string                `json:"name"`
	Description      string                `json:"description"`
	DirectoryGroupID *string               `json:"workos_directory_group_id"`
	Memberships      []TeamMember          `json:"memberships"`
	Workspaces       []TeamWorkspaceAccess `json:"workspaces"`
}

// TeamMember is a member of a team.
type TeamMember struct {
	ID     uuid.UUID `json:"id"`
	Handle string    `json:"handle"`
	Name   string    `json:"name"`
	Email  *string   `json:"email"`
	Type   string    `json:"type"`
}

// TeamWorkspaceAccess is a workspace that a team has access to.
type TeamWorkspaceAccess struct {
	WorkspaceID     uuid.UUID `json:"workspace_id"`
	WorkspaceHandle string    `json:"workspace_handle"`
	RoleID          uuid.UUID `json:"workspace_role_id"`
	RoleName        string    `json:"workspace_role_name"`
}

// TeamCreate makes a team; as an update it may name the group of a directory.
type TeamCreate struct {
	Name             string      `json:"name" check:"required,maxlen=250"`
	Description      Opt[string] `json:"description,omitzero" check:"null,maxlen=5000"`
	DirectoryGroupID *string     `json:"workos_directory_group_id,omitzero" check:"null"`
}

// TeamMembersUpdate adds members to a team.
type TeamMembersUpdate struct {
	Members []TeamMembershipCreate `json:"members" check:"required"`
}

// TeamMembershipCreate names a member to add.
type TeamMembershipCreate struct {
	MemberID   uuid.UUID `json:"member_id" check:"required"`
	MemberType string    `json:"member_type" check:"required"`
}

// AuditLine is an entry of the audit log with its place in the chain.
type AuditLine struct {
	Seq   int64         `json:"seq"`
	Hash  string        `json:"hash"`
	Event ReceivedEvent `json:"event"`
}

// AuditVerdict says whether an audit log is as it was written.
type AuditVerdict struct {
	Entries int64  `json:"entries"` // that are right, from the first
	Intact  bool   `json:"intact"`
	Problem string `json:"problem"`
}
