package api

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// AccountRoleCreate makes a role of an account's members.
type AccountRoleCreate struct {
	Name        string   `json:"name" check:"required,maxlen=250"`
	Permissions []string `json:"permissions" check:"required"`
}

// AccountRoleUpdate changes one.
type AccountRoleUpdate struct {
	Name        Opt[string]   `json:"name,omitzero" check:"null,maxlen=250"`
	Permissions Opt[[]string] `json:"permissions,omitzero" check:"null"`
}

// WorkspaceInvitationCreate invites somebody into a workspace.
type WorkspaceInvitationCreate struct {
	Email string `json:"email" check:"required"`
}

// WorkspaceInvitation asks somebody into a workspace.
type WorkspaceInvitation struct {
	Invitation
}

// WorkspaceTransfer moves a workspace to another account.
type WorkspaceTransfer struct {
	To        uuid.UUID   `json:"to_account_id" check:"required"`
	NewHandle Opt[string] `json:"new_handle,omitzero" check:"null"`
}

// IPAllowlist are the addresses that an account lets in.
type IPAllowlist struct {
	Entries []IPAllowlistEntry `json:"entries" check:"required"`
}

// IPAllowlistEntry is an address or a network of them.
type IPAllowlistEntry struct {
	Network     string  `json:"ip_network" check:"required"`
	Enabled     bool    `json:"enabled" check:"required"`
	Description *string `json:"description,omitzero" check:"null,maxlen=5000"`
	LastSeen    *Time   `json:"last_seen,omitzero" check:"null"`
}

// IPAllowlistAccess says whether an address would be let in.
type IPAllowlistAccess struct {
	Allowed bool   `json:"allowed"`
	Detail  string `json:"detail"`
}

// RateStatus names the buckets that an account has emptied lately.
type RateStatus struct {
	Exceeded []string `json:"exceeded_buckets"`
}

// RateUsage is what an account has asked for, minute by minute.
type RateUsage struct {
	Account uuid.UUID                  `json:"account"`
	Since   Time                       `json:"since"`
	Until   Time                       `json:"until"`
	Minutes []Time                     `json:"minutes"`
	Keys    map[string]*RateUsageOfKey `json:"keys"`
}

// RateUsageOfKey is the usage of a bucket.
type RateUsageOfKey struct {
	Limit     []int `json:"limit"`
	Usage     []int `json:"usage"`
	Requested []int `json:"requested"`
	Granted   []int `json:"granted"`
}

// RateUsageByGroup is what an account has asked for, by who has.
type RateUsageByGroup struct {
	Account uuid.UUID                    `json:"account"`
	Since   Time                         `json:"since"`
	Until   Time                         `json:"until"`
	Limit   int                          `json:"limit"`
	Minutes []Time                       `json:"minutes"`
	Groups  map[string]*RateUsageOfGroup `json:"groups"`
}

// RateUsageOfGroup is the usage of a group.
type RateUsageOfGroup struct {
	Requested []int `json:"requested"`
	Granted   []int `json:"granted"`
}

// DistinctValues are values that occur.
type DistinctValues struct {
	Values []string `json:"values"`
}

// RateAllocation is the share of a workspace in what its account may ask for.
type RateAllocation struct {
	ID          uuid.UUID `json:"id"`
	Created     Time      `json:"created"`
	Updated     Time      `json:"updated"`
	AccountID   uuid.UUID `json:"account_id"`
	WorkspaceID uuid.UUID `json:"workspace_id"`
	Percentage  float64   `json:"rate_limit_percentage"`
}

// RateAllocations replaces the shares of an account's workspaces.
type RateAllocations struct {
	Allocations []RateAllocationEntry `json:"allocations"`
}

// RateAllocationEntry gives a workspace a share.
type RateAllocationEntry struct {
	WorkspaceID uuid.UUID `json:"workspace_id" check:"required"`
	Percentage  float64   `json:"rate_limit_percentage" check:"required"`
}

// WebhookCreate makes a webhook, or replaces what it is.
type WebhookCreate struct {
	Name        string      `json:"name" check:"required,maxlen=5000"`
	Description Opt[string] `json:"description,omitzero" check:"null,maxlen=5000"`
	Enabled     Opt[bool]   `json:"enabled,omitzero"`
	BotID       *uuid.UUID  `json:"service_account_id,omitzero" check:"null"`
	Template    string      `json:"template" check:"required,maxlen=30000"`
}

// WebhookPatch switches a webhook on or off.
type WebhookPatch struct {
	Enabled Opt[bool] `json:"enabled,omitzero"`
}

// Webhook turns requests from elsewhere into events.
type Webhook struct {
	ID          uuid.UUID  `json:"id"`
	Created     Time       `json:"created"`
	Updated     Time       `json:"updated"`
	Account     uuid.UUID  `json:"account"`
	Workspace   uuid.UUID  `json:"workspace"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Enabled     bool       `json:"enabled"`
	BotID       *uuid.UUID `json:"service_account_id"`
	Template    string     `json:"template"`
	Slug        string     `json:"slug"`
}

// WebhookRead is a webhook with its service account.
type WebhookRead struct {
	Webhook

	Bot *Bot `json:"service_account"`
}

// WebhooksRequest asks for webhooks.
type WebhooksRequest struct {
	Sort   Opt[string] `json:"sort,omitzero"`
	Limit  Opt[int]    `json:"limit,omitzero" check:"min=0,max=200"`
	Offset Opt[int]    `json:"offset,omitzero" check:"min=0"`
}

// ObjectActor is somebody who may use an object; "*" is everybody.
type ObjectActor struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	Email *string `json:"email"`
	Type  string  `json:"type"`
}

// ReplaceObjectAccess says who may use an object: ids of actors, or "*" for everybody, and
// of teams.
type ReplaceObjectAccess struct {
	ManageActors []string    `json:"manage_actor_ids" check:"required"`
	RunActors    []string    `json:"run_actor_ids,omitzero"`
	ViewActors   []string    `json:"view_actor_ids" check:"required"`
	ManageTeams  []uuid.UUID `json:"manage_team_ids,omitzero"`
	RunTeams     []uuid.UUID `json:"run_team_ids,omitzero"`
	ViewTeams    []uuid.UUID `json:"view_team_ids,omitzero"`
}

// AccountEventsRequest asks for events of an account.
type AccountEventsRequest struct {
	Filter jsontext.Value `json:"filter,omitzero" check:"null"`
	Limit  Opt[int]       `json:"limit,omitzero" check:"min=0,max=200"`
}

// AccountEventCounts asks how many events of an account there are.
type AccountEventCounts struct {
	Filter       jsontext.Value `json:"filter,omitzero" check:"null"`
	TimeUnit     Opt[TimeUnit]  `json:"time_unit,omitzero" check:"null"`
	TimeInterval Opt[Float]     `json:"time_interval,omitzero" check:"null,min=0.01"`
}
