package api

import "github.com/google/uuid"

// UsageLimits are the limits of an account; nil is none.
type UsageLimits struct {
	AuditLogRetentionDays      *int `json:"audit_log_retention_days"`
	AutomationsLimit           *int `json:"automations_limit"`
	LogRateLimit               *int `json:"log_rate_limit"`
	MaxDeploymentsPerWorkspace *int `json:"max_deployments_per_workspace"`
	MexComputeLimit            *int `json:"mex_compute_limit"`
	MexConcurrencyLimit        *int `json:"mex_concurrency_limit"`
	MexWorkPoolLimit           *int `json:"mex_work_pool_limit"`
	NonMexWorkPoolLimit        *int `json:"non_mex_work_pool_limit"`
	OrchestrationRateLimit     *int `json:"orchestration_rate_limit"`
	RunRetentionDays           *int `json:"run_retention_days"`
	UserLimit                  int  `json:"user_limit"`
	FreeUserSlots              *int `json:"free_user_slots"`
	WorkPoolLimit              *int `json:"work_pool_limit"`
	WorkspaceLimit             int  `json:"workspace_limit"`
}

// WorkspaceUsage is how much of what plans count a workspace holds.
type WorkspaceUsage struct {
	ID                  uuid.UUID `json:"id"`
	Name                string    `json:"name"`
	Automations         int       `json:"automations"`
	Deployments         int       `json:"deployments"`
	MexCompute          int       `json:"mex_compute"`
	WorkPools           int       `json:"work_pools"`
	NonManagedWorkPools int       `json:"non_managed_work_pools"`
	ManagedWorkPools    int       `json:"managed_work_pools"`
}

// WorkspaceActor is somebody who has access to a workspace.
type WorkspaceActor struct {
	ID    uuid.UUID `json:"id"`
	Name  string    `json:"name"`
	Email *string   `json:"email"`
	Type  string    `json:"type"`
}

// WorkspaceSettings are the settings of a workspace.
type WorkspaceSettings struct {
	InheritDefaultResultStorage bool       `json:"inherit_default_result_storage"`
	DefaultResultStorageBlockID *uuid.UUID `json:"default_result_storage_block_id"`
}

// WorkspaceSettingsUpdate changes them.
type WorkspaceSettingsUpdate struct {
	InheritDefaultResultStorage Opt[bool]      `json:"inherit_default_result_storage,omitzero" check:"null"`
	DefaultResultStorageBlockID Opt[uuid.UUID] `json:"default_result_storage_block_id,omitzero" check:"null"`
}

// BillingDetails say that nobody is billed.
type BillingDetails struct {
	StripeCustomerID  *string       `json:"stripe_customer_id"`
	SelfServe         bool          `json:"self_serve"`
	PlanType          string        `json:"plan_type"`
	PlanTier          *string       `json:"plan_tier"`
	Users             BillingObject `json:"users"`
	Workspaces        BillingObject `json:"workspaces"`
	AnnualBilling     bool          `json:"annual_billing"`
	CancelAtPeriodEnd bool          `json:"cancel_at_period_end"`
	TrialStart        *Time         `json:"trial_start"`
	TrialEnd          *Time         `json:"trial_end"`
	BillingEnabled    bool          `json:"billing_enabled"`
}

// BillingObject is how many of something there are; no slots are no bound.
type BillingObject struct {
	FreeSlots    int  `json:"free_slots"`
	MinimumSlots int  `json:"minimum_slots"`
	UsedSlots    int  `json:"used_slots"`
	Slots        *int `json:"slots"`
	Price        *int `json:"price"`
}

// BillingRestrictions say that there is nothing to subscribe to.
type BillingRestrictions struct {
	CanUpgrade     bool     `json:"can_upgrade"`
	CanCancel      bool     `json:"can_cancel"`
	AvailableTiers []string `json:"available_tiers"`
}
