package api

import "github.com/google/uuid"

// SSOIntegrations are the identity provider and the directory of an account.
type SSOIntegrations struct {
	OrganizationID *string           `json:"organization_id"`
	Connections    []SSOConnection   `json:"connections"`
	Directories    []DirectoryAccess `json:"directories"`
}

// SSOConnection is the identity provider of an account, with what it has to know of this
// server.
type SSOConnection struct {
	ID         uuid.UUID `json:"id"`
	Created    Time      `json:"created"`
	Updated    Time      `json:"updated"`
	Type       string    `json:"type"` // saml
	Name       string    `json:"name"`
	EntityID   string    `json:"entity_id"`
	State      string    `json:"state"`
	SPEntityID string    `json:"sp_entity_id"`
	SPACSURL   string    `json:"sp_acs_url"`
	StartURL   string    `json:"start_url"`
}

// DirectoryAccess is a token with which a directory writes people and groups by SCIM.
type DirectoryAccess struct {
	ID         uuid.UUID `json:"id"`
	Created    Time      `json:"created"`
	Type       string    `json:"type"` // scim
	Name       string    `json:"name"`
	BaseURL    string    `json:"base_url"`
	MaskedKey  string    `json:"masked_key"`
	Expiration *Time     `json:"expiration"`
	LastUsed   *Time     `json:"last_used"`
}

// DirectoryCreate asks for a token of a directory.
type DirectoryCreate struct {
	Name       string `json:"name" check:"required"`
	Expiration *Time  `json:"expiration,omitzero" check:"null"`
}

// DirectoryCreated is a directory with the only sight of its token.
type DirectoryCreated struct {
	DirectoryAccess

	Key string `json:"key"`
}

// SSOConnectionCreate gives an account an identity provider, in place of the one it has.
type SSOConnectionCreate struct {
	Name string `json:"name,omitzero" check:"max=200"`
	// Metadata is the provider's EntityDescriptor.
	Metadata   string        `json:"metadata" check:"required"`
	Attributes SSOAttributes `json:"attributes,omitzero"`
}

// SSOAttributes name the attributes of the provider; "" stands for the usual names.
type SSOAttributes struct {
	Email     string `json:"email,omitzero"`
	FirstName string `json:"first_name,omitzero"`
	LastName  string `json:"last_name,omitzero"`
	Groups    string `json:"groups,omitzero"`
}

// SSOPolicy is what an account wants of those who sign in.
type SSOPolicy struct {
	RequireSSO        bool `json:"require_sso"`
	RequireMFA        bool `json:"require_mfa"`
	RestrictToDomains bool `json:"restrict_to_domains"`
}

// SSOPolicyUpdate changes parts of a policy.
type SSOPolicyUpdate struct {
	RequireSSO        Opt[bool] `json:"require_sso,omitzero"`
	RequireMFA        Opt[bool] `json:"require_mfa,omitzero"`
	RestrictToDomains Opt[bool] `json:"restrict_to_domains,omitzero"`
}

// SSOValidation asks whether the caller has signed in as the account wants.
type SSOValidation struct {
	RedirectURI *string `json:"redirect_uri,omitzero"`
}
