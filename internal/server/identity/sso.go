package identity

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlsp"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// The states of an account's single sign-on.
const (
	ssoDisabled = "DISABLED"
	ssoNeeds    = "NEEDS_CONFIGURATION"
	ssoEnabled  = "ENABLED"
)

// metadataSize is more than the metadata of one provider has.
const metadataSize = 256 << 10

// ReadProvider reads the metadata of an identity provider that can be used here: one, with
// an address to send people to and a certificate to check its word with.
func ReadProvider(metadata string) (*saml.EntityDescriptor, error) {
	bad := func(why string) error {
		return api.Errorf(api.CodeInvalid, "That is no metadata of an identity provider: %s.", why)
	}
	switch {
	case len(metadata) > metadataSize:
		return nil, bad("it is too large")
	case strings.Contains(metadata, "<!DOCTYPE") || strings.Contains(metadata, "<!ENTITY"):
		return nil, bad("it declares a document type, which is not read")
	}
	idp, err := samlsp.ParseMetadata([]byte(metadata))
	if err != nil {
		return nil, bad(err.Error())
	}
	if idp.EntityID == "" || len(idp.IDPSSODescriptors) == 0 {
		return nil, bad("it has no entityID or no IDPSSODescriptor")
	}
	sp := &saml.ServiceProvider{IDPMetadata: idp}
	to, err := url.Parse(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding))
	if err != nil || to.Scheme != "https" && to.Scheme != "http" || to.Host == "" {
		return nil, bad("it has no SingleSignOnService with the binding HTTP-Redirect")
	}
	for _, d := range idp.IDPSSODescriptors {
		for _, k := range d.KeyDescriptors {
			if k.Use != "encryption" && len(k.KeyInfo.X509Data.X509Certificates) > 0 {
				return idp, nil
			}
		}
	}
	return nil, bad("it has no certificate for signing")
}

// SSOConnection is the provider of an account; nil when it has none.
func (s *Service) SSOConnection(ctx context.Context, account uuid.UUID) (*store.SSOConnection, error) {
	return read(ctx, s, func(tx *store.Tx) (*store.SSOConnection, error) { return none(tx.SSOConnection(account)) })
}

// SetSSOConnection gives an account a provider. Its word counts about addresses of the
// account's verified domains and no others.
func (s *Service) SetSSOConnection(ctx context.Context, by By, account uuid.UUID, in *api.SSOConnectionCreate) (*api.SSOConnection, error) {
	idp, err := ReadProvider(in.Metadata)
	if err != nil {
		return nil, err
	}
	attributes, err := json.Marshal(in.Attributes)
	if err != nil {
		return nil, err
	}
	var out *store.SSOConnection
	err = s.Change(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(account)
		if err != nil {
			return missing("Account", err)
		}
		now := s.Now()
		out = &store.SSOConnection{
			AccountID: account, ID: newID(), Created: now, Updated: now, Name: strings.TrimSpace(in.Name), EntityID: idp.EntityID, Metadata: in.Metadata, Attributes: string(attributes),
		}
		if out.Name == "" {
			out.Name = idp.EntityID
		}
		if err := tx.PutSSOConnection(out); err != nil {
			return err
		}
		if a.SSOState == ssoNeeds {
			if err := tx.UpdateAccount(account, store.Set{Column: "sso_state", Value: ssoDisabled}, store.Set{Column: "updated", Value: now}); err != nil {
				return err
			}
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "sso-connection", Action: "created", ID: out.ID, Name: out.Name, Details: map[string]any{"entity_id": out.EntityID}})
	})
	if err != nil {
		return nil, err
	}
	return s.connectionOf(out, false), nil
}

// SAMLURL is where an account's provider and its people find this server.
func (s *Service) SAMLURL(account uuid.UUID, part string) string {
	return s.PublicURL + "/auth/saml/" + account.String() + "/" + part
}

func (s *Service) connectionOf(c *store.SSOConnection, required bool) *api.SSOConnection {
	out := &api.SSOConnection{
		ID: c.ID, Created: c.Created, Updated: c.Updated, Type: "saml", Name: c.Name, EntityID: c.EntityID, State: "active",
		SPEntityID: s.SAMLURL(c.AccountID, "metadata"), SPACSURL: s.SAMLURL(c.AccountID, "acs"), StartURL: s.SAMLURL(c.AccountID, "start"),
	}
	if required {
		out.State = "required"
	}
	return out
}

// Integrations are the provider and the directory of an account.
func (s *Service) Integrations(ctx context.Context, account uuid.UUID) (*api.SSOIntegrations, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.SSOIntegrations, error) {
		out := &api.SSOIntegrations{Connections: []api.SSOConnection{}, Directories: []api.DirectoryAccess{}}
		a, err := tx.Account(account)
		if err != nil {
			return nil, missing("Account", err)
		}
		c, err := none(tx.SSOConnection(account))
		if err != nil {
			return nil, err
		}
		if c != nil {
			out.Connections = append(out.Connections, *s.connectionOf(c, a.SSOState == ssoEnabled))
		}
		tokens, err := tx.DirectoryTokens(account)
		for i := range tokens {
			out.Directories = append(out.Directories, s.directoryOf(&tokens[i]))
		}
		return out, err
	})
}

// RemoveSSOConnection takes the provider of an account away; nobody must sign in with it
// any more.
func (s *Service) RemoveSSOConnection(ctx context.Context, by By, account, id uuid.UUID) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(account)
		if err == nil {
			err = tx.DeleteSSOConnection(account, id)
		}
		if err != nil {
			return missing("Integration", err)
		}
		state := ssoDisabled
		if err := tx.UpdateAccount(account, store.Set{Column: "sso_state", Value: state}, store.Set{Column: "updated", Value: s.Now()}); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "sso-connection", Action: "deleted", ID: id, Changes: map[string][2]any{"sso_state": {a.SSOState, state}}})
	})
}

// SignInPolicy is what an account wants of those who sign in.
func (s *Service) SignInPolicy(ctx context.Context, account uuid.UUID) (*api.SSOPolicy, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.SSOPolicy, error) {
		a, err := tx.Account(account)
		if err != nil {
			return nil, missing("Account", err)
		}
		return &api.SSOPolicy{RequireSSO: a.SSOState == ssoEnabled, RequireMFA: a.RequireMFA, RestrictToDomains: a.RestrictToDomains}, nil
	})
}

// SetSignInPolicy changes it, unless that would keep everybody out: single sign-on needs a
// provider and a verified domain, domains must hold who sets them.
func (s *Service) SetSignInPolicy(ctx context.Context, by By, account uuid.UUID, in *api.SSOPolicyUpdate) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(account)
		if err != nil {
			return missing("Account", err)
		}
		domains, err := tx.AccountDomains(account)
		if err != nil {
			return err
		}
		verified := []string{}
		for _, d := range domains {
			if d.Verified != nil {
				verified = append(verified, d.Name)
			}
		}
		sets, changes := []store.Set{{Column: "updated", Value: s.Now()}}, map[string][2]any{}
		set := func(column string, old, value any) {
			sets = append(sets, store.Set{Column: column, Value: value})
			changes[column] = [2]any{old, value}
		}
		if on, ok := in.RequireSSO.Get(); ok {
			state := ssoDisabled
			if on {
				state = ssoEnabled
				if err := s.mayRequireSSO(tx, account, verified); err != nil {
					return err
				}
			}
			set("sso_state", a.SSOState, state)
		}
		if on, ok := in.RequireMFA.Get(); ok {
			set("require_mfa", a.RequireMFA, on)
		}
		if on, ok := in.RestrictToDomains.Get(); ok {
			if on && by.Actor.Type == store.ActorUser && !ofDomains(by.Actor.Email, verified) {
				return api.Errorf(api.CodeConflict, "Your own address would be kept out: its domain is not one of the account's verified ones.")
			}
			set("restrict_to_domains", a.RestrictToDomains, on)
		}
		if err := tx.UpdateAccount(account, sets...); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-sign-in-policy", Action: "updated", ID: account, Name: a.Handle, Changes: changes})
	})
}

func (s *Service) mayRequireSSO(tx *store.Tx, account uuid.UUID, verified []string) error {
	c, err := none(tx.SSOConnection(account))
	switch {
	case err != nil:
		return err
	case c == nil:
		return api.Errorf(api.CodeConflict, "The account has no identity provider: give it one first.")
	case len(verified) == 0:
		return api.Errorf(api.CodeConflict, "The account has no verified domain, so its identity provider can sign nobody in: add a domain and its TXT record first.")
	}
	return nil
}

func ofDomains(email string, domains []string) bool {
	norm, err := NormalEmail(email)
	return err == nil && slices.Contains(domains, DomainOf(norm))
}

// VouchesFor says whether the provider of an account may say who has an address: the
// account must have proven that the address's domain is its own.
func (s *Service) VouchesFor(tx *store.Tx, account uuid.UUID, norm string) (bool, error) {
	proven, err := tx.VerifiedDomains(DomainOf(norm))
	return slices.ContainsFunc(proven, func(d store.AccountDomain) bool { return d.AccountID == account }), err
}

// ProviderOf finds the account whose provider vouches for an address; nil when there is
// none.
func (s *Service) ProviderOf(ctx context.Context, norm string) (*uuid.UUID, error) {
	return read(ctx, s, func(tx *store.Tx) (*uuid.UUID, error) {
		proven, err := tx.VerifiedDomains(DomainOf(norm))
		for _, d := range proven {
			c, err := none(tx.SSOConnection(d.AccountID))
			if err != nil || c != nil {
				return &d.AccountID, err
			}
		}
		return nil, err
	})
}

// SetDirectoryTeams puts a member into the teams of an account whose group in its directory
// is among groups, and takes it out of the other teams that have one.
func (s *Service) SetDirectoryTeams(tx *store.Tx, by By, account, user uuid.UUID, groups []string) error {
	teams, err := tx.Teams(account)
	if err != nil {
		return err
	}
	members, err := tx.TeamMembers(account)
	if err != nil {
		return err
	}
	changed := false
	for _, t := range teams {
		if t.DirectoryGroupID == nil {
			continue
		}
		wanted := slices.Contains(groups, *t.DirectoryGroupID)
		isIn := slices.ContainsFunc(members, func(m store.TeamMember) bool { return m.TeamID == t.ID && m.ActorID == user })
		switch {
		case wanted && !isIn:
			err = tx.AddTeamMember(account, store.TeamMember{TeamID: t.ID, ActorID: user, ActorType: store.ActorUser}, s.Now())
		case !wanted && isIn:
			err = tx.DeleteTeamMember(account, t.ID, user)
		default:
			continue
		}
		if err == nil {
			err = s.Audit(tx, by, Entry{Account: account, Type: "team", Action: "updated", ID: t.ID, Name: t.Name, Actor: &user, Changes: map[string][2]any{"member": {isIn, wanted}}})
		}
		if err != nil {
			return err
		}
		changed = true
	}
	if changed {
		return tx.BumpEpoch()
	}
	return nil
}
