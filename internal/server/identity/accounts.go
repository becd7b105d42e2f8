package identity

import (
	"context"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"golang.org/x/net/idna"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/store"
)

// Matches says whether a value is one that a filter wants.
func Matches[T comparable](m *api.Match[T], value T) bool { return matches(m, value) }

// accountSettings are the settings that an account has, with what they are at first.
var accountSettings = map[string]any{
	"allow_public_workspaces": false, "ai_log_summaries": false, "managed_execution": false, "enforce_ip_allowlist": false,
	"enforce_webhook_authentication": false, "self_healing_enabled": false, "enabled_feature_flags": []string{}, "default_result_storage": nil,
}

// Account returns an account.
func (s *Service) Account(ctx context.Context, id uuid.UUID) (*api.Account, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.Account, error) {
		a, err := tx.Account(id)
		if err != nil {
			return nil, missing("Account", err)
		}
		settings, err := settingsOf(a)
		if err != nil {
			return nil, err
		}
		connections := []string{}
		if c, err := none(tx.SSOConnection(id)); err != nil {
			return nil, err
		} else if c != nil {
			connections = append(connections, c.ID.String())
		}
		directories, scim := []string{}, "DISABLED"
		tokens, err := tx.DirectoryTokens(id)
		if err != nil {
			return nil, err
		}
		for _, t := range tokens {
			directories, scim = append(directories, t.ID.String()), "ENABLED"
		}
		return &api.Account{
			ID: a.ID, Created: a.Created, Updated: a.Updated, Name: a.Name, Handle: a.Handle, Location: a.Location, Link: a.Link, BillingEmail: a.BillingEmail,
			AuthExpirationSeconds: a.AuthExpirationSeconds, Settings: settings, Status: "ACTIVE", PlanType: "ENTERPRISE", SCIMState: scim, SSOState: a.SSOState,
			WorkosConnectionIDs: connections, WorkosDirectoryIDs: directories, Features: []string{},
		}, err
	})
}

func settingsOf(a *store.Account) (jsontext.Value, error) {
	kept := map[string]any{}
	if err := json.Unmarshal(a.Settings, &kept); err != nil {
		return nil, err
	}
	for name, value := range accountSettings {
		if _, set := kept[name]; !set {
			kept[name] = value
		}
	}
	return json.Marshal(kept, json.Deterministic(true))
}

// UpdateAccount changes an account.
func (s *Service) UpdateAccount(ctx context.Context, by By, id uuid.UUID, in *api.AccountUpdate) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(id)
		if err != nil {
			return missing("Account", err)
		}
		sets, changes := []store.Set{{Column: "updated", Value: s.Now()}}, map[string][2]any{}
		set := func(column string, old, value any) {
			sets = append(sets, store.Set{Column: column, Value: value})
			changes[column] = [2]any{old, value}
		}
		if v, ok := in.Name.Get(); ok {
			set("name", a.Name, v)
		}
		if v, ok := in.Handle.Get(); ok {
			if err := checkHandle(v); err != nil {
				return err
			}
			set("handle", a.Handle, v)
		}
		if in.Location.IsSet() {
			set("location", a.Location, in.Location.Ptr())
		}
		if in.Link.IsSet() {
			set("link", a.Link, in.Link.Ptr())
		}
		if in.BillingEmail.IsSet() {
			set("billing_email", a.BillingEmail, in.BillingEmail.Ptr())
		}
		if in.AuthExpirationSeconds.IsSet() {
			set("auth_expiration_seconds", a.AuthExpirationSeconds, in.AuthExpirationSeconds.Ptr())
		}
		if err := tx.UpdateAccount(id, sets...); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: id, Type: "account", Action: "updated", ID: id, Name: a.Handle, Changes: changes})
	})
}

// UpdateAccountSettings changes settings of an account.
func (s *Service) UpdateAccountSettings(ctx context.Context, by By, id uuid.UUID, in map[string]any) error {
	for name := range in {
		if _, known := accountSettings[name]; !known || name == "enabled_feature_flags" {
			return api.Errorf(api.CodeInvalid, "There is no setting %q.", name)
		}
	}
	return s.Change(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(id)
		if err != nil {
			return missing("Account", err)
		}
		kept, changes := map[string]any{}, map[string][2]any{}
		if err := json.Unmarshal(a.Settings, &kept); err != nil {
			return err
		}
		for name, value := range in {
			if _, isBool := accountSettings[name].(bool); isBool {
				if _, ok := value.(bool); !ok {
					return api.Errorf(api.CodeInvalid, "%s is true or false.", name)
				}
			}
			if name == "enforce_ip_allowlist" && value == true {
				if err := keepsIn(tx, id, by.IP); err != nil {
					return err
				}
			}
			changes[name] = [2]any{kept[name], value}
			kept[name] = value
		}
		text, err := json.Marshal(kept, json.Deterministic(true))
		if err == nil {
			err = tx.UpdateAccount(id, store.Set{Column: "settings", Value: jsontext.Value(text)}, store.Set{Column: "updated", Value: s.Now()})
		}
		if err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: id, Type: "account-settings", Action: "updated", ID: id, Name: a.Handle, Changes: changes})
	})
}

// ProofOf is the text that the DNS of a domain has to have.
func ProofOf(d *store.AccountDomain) string { return "usher-verify=" + d.DNSToken }

// Domains lists the domains of an account.
func (s *Service) Domains(ctx context.Context, account uuid.UUID) ([]api.AccountDomain, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.AccountDomain, error) {
		list, err := tx.AccountDomains(account)
		out := []api.AccountDomain{}
		for _, d := range list {
			out = append(out, api.AccountDomain{ID: d.ID, Created: d.Created, Updated: d.Updated, AccountID: d.AccountID, Name: d.Name, Verified: d.Verified, Record: ProofOf(&d)})
		}
		return out, err
	})
}

// SetDomains replaces the domains of an account. New ones count once they are verified.
func (s *Service) SetDomains(ctx context.Context, by By, account uuid.UUID, names []string) error {
	wanted := []string{}
	for _, name := range names {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil || ascii == "" {
			return api.Errorf(api.CodeInvalid, "%q is no domain.", name)
		}
		if !slices.Contains(wanted, ascii) {
			wanted = append(wanted, ascii)
		}
	}
	return s.Change(ctx, func(tx *store.Tx) error {
		have, err := tx.AccountDomains(account)
		if err != nil {
			return err
		}
		old := []string{}
		for _, d := range have {
			old = append(old, d.Name)
			if !slices.Contains(wanted, d.Name) {
				if err := tx.DeleteAccountDomain(account, d.ID); err != nil {
					return err
				}
			}
		}
		now := s.Now()
		for _, name := range wanted {
			if !slices.Contains(old, name) {
				d := &store.AccountDomain{AccountID: account, ID: newID(), Created: now, Updated: now, Name: name, DNSToken: NewSecret("dns_")[4:]}
				if err := tx.InsertAccountDomain(d); err != nil {
					return err
				}
			}
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-domain-names", Action: "updated", ID: account, Changes: map[string][2]any{"domain_names": {old, wanted}}})
	})
}

// inviteLife is how long an invitation can be accepted.
const inviteLife = 7 * 24 * time.Hour

// Invite invites people. Each is let in by signing in with the address.
func (s *Service) Invite(ctx context.Context, by By, account uuid.UUID, list []api.InvitationCreate) (out []api.Invitation, err error) {
	var told []*Invited
	err = s.Write(ctx, func(tx *store.Tx) error {
		out, told = []api.Invitation{}, nil
		for _, in := range list {
			norm, err := NormalEmail(in.Email)
			if err != nil {
				return err
			}
			role, err := roleOf(tx, account, in.RoleID)
			if err == nil {
				err = mayGive(by, account, role)
			}
			if err != nil {
				return err
			}
			i := &store.Invitation{AccountID: account, Email: in.Email, EmailNorm: norm, AccountRoleID: role.ID}
			invited, err := s.invite(tx, by, i, "account-invitation")
			if err != nil {
				return err
			}
			out, told = append(out, invitationOf(i)), append(told, invited)
		}
		return nil
	})
	if err == nil {
		s.tellInvited(told...)
	}
	return out, err
}

func hashOf(code string) []byte { return credential.Hash(code) }

func invitationOf(i *store.Invitation) api.Invitation {
	return api.Invitation{
		ID: i.ID, Created: i.Created, Updated: i.Updated, Email: i.Email, AccountID: i.AccountID, RoleID: i.AccountRoleID, WorkspaceID: i.WorkspaceID,
		WorkspaceRoleID: i.WorkspaceRoleID, Status: i.Status, Expiration: i.Expiration,
	}
}

// Invitations lists the invitations of an account.
func (s *Service) Invitations(ctx context.Context, account uuid.UUID, f *api.InvitationFilter) ([]api.Invitation, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.Invitation, error) {
		list, err := tx.Invitations(account)
		out := []api.Invitation{}
		for i := range list {
			if f == nil || matches(f.Status, list[i].Status) && matches(f.Email, list[i].Email) {
				out = append(out, invitationOf(&list[i]))
			}
		}
		return out, err
	})
}

// RevokeInvitation takes an invitation back; one into a workspace if that is named.
func (s *Service) RevokeInvitation(ctx context.Context, by By, account uuid.UUID, workspace *uuid.UUID, id uuid.UUID) error {
	return s.Write(ctx, func(tx *store.Tx) error {
		i, err := tx.Invitation(id)
		if err := belongsTo(i, err, account, workspace); err != nil {
			return err
		}
		pending, err := tx.SettleInvitation(id, "REVOKED", s.Now())
		if err == nil && !pending {
			err = api.Errorf(api.CodeConflict, "The invitation was answered already.")
		}
		if err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-invitation", Action: "updated", ID: id, Name: i.Email, Changes: map[string][2]any{"status": {"PENDING", "REVOKED"}}})
	})
}

// AnswerInvitation lets the user who asks accept or reject an invitation to their own
// address, or one whose code they have.
func (s *Service) AnswerInvitation(ctx context.Context, by By, id uuid.UUID, code string, accept bool) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		user, err := none(tx.User(by.Actor.ID))
		if err != nil {
			return err
		}
		i, err := none(tx.Invitation(id))
		if err != nil {
			return err
		}
		mine := user != nil && i != nil && (i.EmailNorm == user.EmailNorm || code != "" && subtle.ConstantTimeCompare(credential.Hash(code), i.CodeHash) == 1)
		if !mine || !i.Expiration.After(s.Now().Time) {
			return api.NotFound("Invitation")
		}
		if !accept {
			pending, err := tx.SettleInvitation(id, "REJECTED", s.Now())
			if err == nil && !pending {
				err = api.Errorf(api.CodeConflict, "The invitation was answered already.")
			}
			if err != nil {
				return err
			}
			return s.Audit(tx, by, Entry{Account: i.AccountID, Type: "account-invitation", Action: "rejected", ID: id, Name: user.Email})
		}
		if m, err := none(tx.MembershipOf(i.AccountID, user.ID)); err != nil {
			return err
		} else if m != nil {
			return s.accepted(tx, by, user, i)
		}
		return s.enter(tx, by, user, door{i.AccountID, i.AccountRoleID, i})
	})
}

// User returns a user.
func (s *Service) User(ctx context.Context, id uuid.UUID) (*api.User, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.User, error) {
		u, err := tx.User(id)
		if err != nil {
			return nil, missing("User", err)
		}
		return &api.User{
			ID: u.ID, Created: u.Created, Updated: u.Updated, ActorID: u.ID, IDPUserID: u.ID.String(), Handle: u.Handle, FirstName: u.FirstName, LastName: u.LastName,
			Email: u.Email, Location: u.Location, Title: u.Title, Settings: u.Settings, LastLogin: u.LastLogin,
		}, nil
	})
}

// UpdateUser changes the user who asks.
func (s *Service) UpdateUser(ctx context.Context, by By, in *api.UserUpdate) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		sets := []store.Set{{Column: "updated", Value: s.Now()}}
		set := func(column string, value api.Opt[string]) {
			if v, ok := value.Get(); ok {
				sets = append(sets, store.Set{Column: column, Value: v})
			}
		}
		if v, ok := in.Handle.Get(); ok {
			if err := checkHandle(v); err != nil {
				return err
			}
		}
		set("handle", in.Handle)
		set("first_name", in.FirstName)
		set("last_name", in.LastName)
		set("location", in.Location)
		set("title", in.Title)
		if len(in.Settings) > 0 && string(in.Settings) != "null" {
			sets = append(sets, store.Set{Column: "settings", Value: in.Settings})
		}
		if err := tx.UpdateUser(by.Actor.ID, sets...); err != nil {
			return err
		}
		for _, g := range by.Actor.Accounts {
			if err := s.Audit(tx, by, Entry{Account: g.Account.ID, Type: "user", Action: "updated", ID: by.Actor.ID, Name: by.Actor.Handle}); err != nil {
				return err
			}
		}
		return nil
	})
}
