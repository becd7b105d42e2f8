package identity

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/store"
)

// SCIMURL is where the directory of an account finds this server.
func (s *Service) SCIMURL(account uuid.UUID) string {
	return s.PublicURL + "/scim/v2/" + account.String()
}

// AddDirectory makes a token with which a directory writes the people and teams of an
// account. Nothing can show it again.
func (s *Service) AddDirectory(ctx context.Context, by By, account uuid.UUID, in *api.DirectoryCreate) (out *api.DirectoryCreated, err error) {
	name := strings.TrimSpace(in.Name)
	if name == "" {
		return nil, api.Errorf(api.CodeInvalid, "Give the directory a name.")
	}
	if in.Expiration != nil && !in.Expiration.After(s.Now().Time) {
		return nil, api.Errorf(api.CodeInvalid, "The token would have ended already.")
	}
	secret := NewSecret(credential.Directory)
	err = s.Write(ctx, func(tx *store.Tx) error {
		t := &store.DirectoryToken{AccountID: account, ID: newID(), Created: s.Now(), Name: name, Suffix: credential.Suffix(secret), Expires: in.Expiration}
		if err := tx.AddDirectoryToken(t, credential.Hash(secret)); err != nil {
			return err
		}
		out = &api.DirectoryCreated{DirectoryAccess: s.directoryOf(t), Key: secret}
		return s.Audit(tx, by, Entry{Account: account, Type: "directory", Action: "created", ID: t.ID, Name: name, Details: map[string]any{"expiration": in.Expiration}})
	})
	return out, err
}

// RemoveDirectory ends the token of a directory; people and teams stay as they are.
func (s *Service) RemoveDirectory(ctx context.Context, by By, account, id uuid.UUID) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteDirectoryToken(account, id); err != nil {
			return missing("Directory", err)
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "directory", Action: "deleted", ID: id})
	})
}

func (s *Service) directoryOf(t *store.DirectoryToken) api.DirectoryAccess {
	return api.DirectoryAccess{
		ID: t.ID, Created: t.Created, Type: "scim", Name: t.Name, BaseURL: s.SCIMURL(t.AccountID), MaskedKey: credential.Masked(credential.Directory, t.Suffix),
		Expiration: t.Expires, LastUsed: t.LastUsed,
	}
}

// Directory finds the directory with a token; nil when it is none of the account, or over.
func (s *Service) Directory(ctx context.Context, account uuid.UUID, secret string) (*store.DirectoryToken, error) {
	if !credential.WellFormed(secret) || credential.Prefix(secret) != credential.Directory {
		return nil, nil
	}
	now := s.Now()
	t, err := read(ctx, s, func(tx *store.Tx) (*store.DirectoryToken, error) {
		return none(tx.DirectoryTokenByHash(credential.Hash(secret)))
	})
	if err != nil || t == nil || t.AccountID != account || t.Expires != nil && !t.Expires.After(now.Time) {
		return nil, err
	}
	if t.LastUsed == nil || now.Sub(t.LastUsed.Time) >= touchEvery {
		err = s.Write(ctx, func(tx *store.Tx) error { return tx.TouchDirectoryToken(account, t.ID, now) })
	}
	return t, err
}

// DirectoryMember is a person as a directory writes one.
type DirectoryMember struct {
	Email, ExternalID   string
	FirstName, LastName string
	Active              bool
}

// Errors of directories.
var (
	ErrNotVouched = api.Errorf(api.CodeInvalid, "The address is of a domain that the account has not proven to be its own.")
	ErrElsewhere  = api.Errorf(api.CodeConflict, "The person belongs to other accounts too: their address is not this directory's to change.")
)

// AddDirectoryMember makes somebody a member whom a directory knows.
func (s *Service) AddDirectoryMember(tx *store.Tx, by By, account uuid.UUID, in DirectoryMember) (*store.Membership, error) {
	norm, err := NormalEmail(in.Email)
	if err != nil {
		return nil, err
	}
	if user, err := none(tx.UserByEmail(norm)); err != nil {
		return nil, err
	} else if user != nil {
		if m, err := none(tx.MembershipOf(account, user.ID)); err != nil || m != nil {
			if err == nil {
				err = api.Errorf(api.CodeConflict, "There is a member with this address already.")
			}
			return nil, err
		}
	}
	user, err := s.AdmitTo(tx, by, account, in.Email, in.FirstName, in.LastName)
	if err == nil && user == nil {
		err = ErrNotVouched
	}
	if err != nil {
		return nil, err
	}
	m, err := tx.MembershipOf(account, user.ID)
	if err != nil {
		return nil, err
	}
	return m, s.SetDirectoryMember(tx, by, account, m.ID, in)
}

// SetDirectoryMember makes a member what a directory says. Who is no longer active has no
// session, token or key that is good for anything.
func (s *Service) SetDirectoryMember(tx *store.Tx, by By, account, membership uuid.UUID, in DirectoryMember) error {
	m, err := tx.Membership(account, membership)
	if err != nil {
		return missing("User", err)
	}
	u, err := tx.User(m.ActorID)
	if err != nil {
		return missing("User", err)
	}
	now := s.Now()
	sets, changes := []store.Set{}, map[string][2]any{}
	if in.Email != u.Email {
		more, err := s.newAddress(tx, account, u, in.Email)
		if err != nil {
			return err
		}
		sets, changes["email"] = append(sets, more...), [2]any{u.Email, in.Email}
	}
	if in.FirstName != u.FirstName || in.LastName != u.LastName {
		sets = append(sets, store.Set{Column: "first_name", Value: in.FirstName}, store.Set{Column: "last_name", Value: in.LastName})
		changes["name"] = [2]any{u.FirstName + " " + u.LastName, in.FirstName + " " + in.LastName}
	}
	if len(sets) > 0 {
		if vouched, err := s.VouchesFor(tx, account, u.EmailNorm); err != nil || !vouched {
			return firstOf(err, ErrNotVouched)
		}
		if err := tx.UpdateUser(u.ID, append(sets, store.Set{Column: "updated", Value: now})...); err != nil {
			if errors.Is(err, store.ErrConflict) {
				err = api.Errorf(api.CodeConflict, "Somebody has this address already.")
			}
			return err
		}
	}
	var external *string
	if in.ExternalID != "" {
		external = &in.ExternalID
	}
	if err := tx.UpdateMembership(account, m.ID, store.Set{Column: "active", Value: in.Active}, store.Set{Column: "directory_id", Value: external}, store.Set{Column: "updated", Value: now}); err != nil {
		return err
	}
	if in.Active != m.Active {
		changes["active"] = [2]any{m.Active, in.Active}
	}
	if m.Active && !in.Active {
		if err := s.gone(tx, by, account, m.ActorID); err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return s.Audit(tx, by, Entry{Account: account, Type: "account-membership", Action: "updated", ID: m.ID, Name: in.Email, Changes: changes, Details: map[string]any{"actor_id": m.ActorID}})
}

func firstOf(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// newAddress writes another address of a user, which must be the account's to give.
func (s *Service) newAddress(tx *store.Tx, account uuid.UUID, u *store.User, email string) ([]store.Set, error) {
	norm, err := NormalEmail(email)
	if err != nil {
		return nil, err
	}
	if vouched, err := s.VouchesFor(tx, account, norm); err != nil || !vouched {
		return nil, firstOf(err, ErrNotVouched)
	}
	memberships, err := tx.MembershipsOf(u.ID)
	if err != nil {
		return nil, err
	}
	if norm != u.EmailNorm && len(memberships) > 1 {
		return nil, ErrElsewhere
	}
	return []store.Set{{Column: "email", Value: strings.TrimSpace(email)}, {Column: "email_norm", Value: norm}}, nil
}

// gone ends what lets an actor in who is not active in an account any more: all of it if
// they are in no other, else what the account's own provider has vouched for.
func (s *Service) gone(tx *store.Tx, by By, account, actor uuid.UUID) error {
	if err := keepsOwner(tx, account); err != nil {
		return err
	}
	memberships, err := tx.MembershipsOf(actor)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(memberships, func(m store.Membership) bool { return m.Active && m.AccountID != account }) {
		return tx.RevokeTokensBy(actor, account, s.Now(), "removed by the directory")
	}
	if _, err := tx.RevokeTokensOf(actor, uuid.UUID{}, s.Now(), "removed by the directory"); err != nil {
		return err
	}
	keys, err := tx.APIKeys(actor)
	for i := 0; i < len(keys) && err == nil; i++ {
		if keys[i].Live(s.Now()) {
			err = s.RevokeKey(tx, by, &keys[i])
		}
	}
	return err
}

// RemoveDirectoryMember makes somebody no member any more whom a directory has removed.
func (s *Service) RemoveDirectoryMember(tx *store.Tx, by By, account, membership uuid.UUID) error {
	m, err := tx.Membership(account, membership)
	if err == nil && m.ActorType != store.ActorUser {
		err = store.ErrNoRows
	}
	if err != nil {
		return missing("User", err)
	}
	if err := tx.UpdateMembership(account, m.ID, store.Set{Column: "active", Value: false}); err != nil {
		return err
	}
	if err := s.gone(tx, by, account, m.ActorID); err != nil {
		return err
	}
	if err := tx.DeleteMembership(m); err != nil {
		return err
	}
	return s.Audit(tx, by, Entry{Account: account, Type: "account-membership", Action: "deleted", ID: m.ID, Details: map[string]any{"actor_id": m.ActorID}})
}

// DirectoryTeam is a team as a directory writes one.
type DirectoryTeam struct {
	Name, ExternalID string
	Members          []uuid.UUID // memberships
}

// AddDirectoryTeam makes a team.
func (s *Service) AddDirectoryTeam(tx *store.Tx, by By, account uuid.UUID, in DirectoryTeam) (uuid.UUID, error) {
	now := s.Now()
	t := &store.Team{AccountID: account, ID: newID(), Created: now, Updated: now, Name: in.Name}
	if in.ExternalID != "" {
		t.DirectoryGroupID = &in.ExternalID
	}
	if err := tx.InsertTeam(t); err != nil {
		return t.ID, teamTaken(err, in.Name)
	}
	if err := s.Audit(tx, by, Entry{Account: account, Type: "team", Action: "created", ID: t.ID, Name: t.Name}); err != nil {
		return t.ID, err
	}
	return t.ID, s.SetDirectoryTeam(tx, by, account, t.ID, in)
}

func teamTaken(err error, name string) error {
	if errors.Is(err, store.ErrConflict) {
		err = api.Errorf(api.CodeConflict, "There is a team %q already.", name)
	}
	return err
}

// SetDirectoryTeam makes a team what a directory says; service accounts that are in it stay.
func (s *Service) SetDirectoryTeam(tx *store.Tx, by By, account, team uuid.UUID, in DirectoryTeam) error {
	t, err := tx.Team(account, team)
	if err != nil {
		return missing("Group", err)
	}
	var external *string
	if in.ExternalID != "" {
		external = &in.ExternalID
	}
	if err := tx.UpdateTeam(account, team, store.Set{Column: "name", Value: in.Name}, store.Set{Column: "directory_group_id", Value: external}, store.Set{Column: "updated", Value: s.Now()}); err != nil {
		return teamTaken(err, in.Name)
	}
	people, err := tx.DirectoryUsers(account)
	if err != nil {
		return err
	}
	members, err := tx.TeamMembers(account)
	if err != nil {
		return err
	}
	for _, id := range in.Members {
		if !slices.ContainsFunc(people, func(p store.DirectoryUser) bool { return p.Membership.ID == id }) {
			return api.Errorf(api.CodeInvalid, "There is no user %s to put into the group.", id)
		}
	}
	added, removed := 0, 0
	for i := range people {
		actor := people[i].User.ID
		wanted := slices.Contains(in.Members, people[i].Membership.ID)
		isIn := slices.ContainsFunc(members, func(m store.TeamMember) bool { return m.TeamID == team && m.ActorID == actor })
		switch {
		case wanted && !isIn:
			added++
			err = tx.AddTeamMember(account, store.TeamMember{TeamID: team, ActorID: actor, ActorType: store.ActorUser}, s.Now())
		case !wanted && isIn:
			removed++
			err = tx.DeleteTeamMember(account, team, actor)
		}
		if err != nil {
			return err
		}
	}
	if t.Name == in.Name && added+removed == 0 {
		return nil
	}
	return s.Audit(tx, by, Entry{
		Account: account, Type: "team", Action: "updated", ID: team, Name: in.Name, Changes: map[string][2]any{"name": {t.Name, in.Name}},
		Details: map[string]any{"added": added, "removed": removed},
	})
}

// RemoveDirectoryTeam removes a team.
func (s *Service) RemoveDirectoryTeam(tx *store.Tx, by By, account, team uuid.UUID) error {
	if err := tx.DeleteTeam(account, team); err != nil {
		return missing("Group", err)
	}
	return s.Audit(tx, by, Entry{Account: account, Type: "team", Action: "deleted", ID: team})
}
