package identity

import (
	"context"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
)

// UserByEmail finds the user with an address; nil when there is none.
func (s *Service) UserByEmail(tx *store.Tx, email string) (*store.User, error) {
	norm, err := NormalEmail(email)
	if err != nil {
		return nil, err
	}
	return none(tx.UserByEmail(norm))
}

// MaySignIn says whether a user is an active member of any account.
func (s *Service) MaySignIn(tx *store.Tx, user uuid.UUID) (bool, error) {
	memberships, err := tx.MembershipsOf(user)
	for _, m := range memberships {
		if m.Active {
			return true, err
		}
	}
	return false, err
}

// MayEnter says whether somebody with an address can sign in or be admitted.
func (s *Service) MayEnter(tx *store.Tx, email string) (bool, error) {
	norm, err := NormalEmail(email)
	if err != nil {
		return false, err
	}
	user, err := none(tx.UserByEmail(norm))
	if err != nil {
		return false, err
	}
	if user != nil {
		return s.MaySignIn(tx, user.ID)
	}
	doors, err := s.doors(tx, norm)
	return len(doors) > 0, err
}

// door is a way into an account for somebody who is no user yet.
type door struct {
	account    uuid.UUID
	role       uuid.UUID
	invitation *store.Invitation
}

// doors are the invitations to an address, and the accounts whose domain it has.
func (s *Service) doors(tx *store.Tx, norm string) (list []door, err error) {
	invitations, err := tx.OpenInvitations(norm, s.Now())
	if err != nil {
		return nil, err
	}
	for i := range invitations {
		list = append(list, door{invitations[i].AccountID, invitations[i].AccountRoleID, &invitations[i]})
	}
	domains, err := tx.VerifiedDomains(DomainOf(norm))
	for _, d := range domains {
		if !entered(list, d.AccountID) {
			list = append(list, door{d.AccountID, access.MemberID, nil})
		}
	}
	return list, err
}

func entered(list []door, account uuid.UUID) bool {
	for _, d := range list {
		if d.account == account {
			return true
		}
	}
	return false
}

// Admit makes a user of a proven address that was invited, or whose domain may come in.
// It returns the user there is already, and nil when the address may not come in.
func (s *Service) Admit(tx *store.Tx, by By, email, firstName, lastName string) (*store.User, error) {
	norm, err := NormalEmail(email)
	if err != nil {
		return nil, err
	}
	if user, err := none(tx.UserByEmail(norm)); err != nil || user != nil {
		return user, err
	}
	doors, err := s.doors(tx, norm)
	if err != nil || len(doors) == 0 {
		return nil, err
	}
	user, err := s.addUser(tx, email, norm, firstName, lastName)
	if err != nil {
		return nil, err
	}
	for _, d := range doors {
		if err := s.enter(tx, by, user, d); err != nil {
			return nil, err
		}
	}
	return user, nil
}

// AdmitTo makes a proven address of an account's verified domain a user and a member of the
// account, if it is none yet. It returns nil when that may not be: the account keeps the
// member out, or the domain is not its own any more.
func (s *Service) AdmitTo(tx *store.Tx, by By, account uuid.UUID, email, firstName, lastName string) (*store.User, error) {
	norm, err := NormalEmail(email)
	if err != nil {
		return nil, err
	}
	if ok, err := s.VouchesFor(tx, account, norm); err != nil || !ok {
		return nil, err
	}
	user, err := s.Admit(tx, by, email, firstName, lastName)
	if err != nil || user == nil {
		return nil, err
	}
	m, err := none(tx.MembershipOf(account, user.ID))
	if err != nil {
		return nil, err
	}
	if m == nil {
		return user, s.addMember(tx, by, account, user.ID, store.ActorUser, access.MemberID, user.Email)
	}
	if !m.Active {
		return nil, nil
	}
	return user, nil
}

// IsMember says whether an actor is an active member of an account.
func (s *Service) IsMember(tx *store.Tx, account, actor uuid.UUID) (bool, error) {
	m, err := none(tx.MembershipOf(account, actor))
	return m != nil && m.Active, err
}

// enter makes a user a member through a door.
func (s *Service) enter(tx *store.Tx, by By, user *store.User, d door) error {
	if err := s.addMember(tx, by, d.account, user.ID, store.ActorUser, d.role, user.Email); err != nil || d.invitation == nil {
		return err
	}
	return s.accepted(tx, by, user, d.invitation)
}

// accepted settles an invitation and gives what else it promised.
func (s *Service) accepted(tx *store.Tx, by By, user *store.User, i *store.Invitation) error {
	now := s.Now()
	if pending, err := tx.SettleInvitation(i.ID, "ACCEPTED", now); err != nil || !pending {
		if err == nil {
			err = api.Errorf(api.CodeConflict, "The invitation was answered already.")
		}
		return err
	}
	if i.WorkspaceID != nil && i.WorkspaceRoleID != nil {
		a := &store.Access{WorkspaceID: *i.WorkspaceID, ID: newID(), Created: now, Updated: now, SubjectID: user.ID, SubjectType: store.ActorUser, RoleID: *i.WorkspaceRoleID}
		if err := tx.PutAccessTo(a); err != nil {
			return err
		}
	}
	return s.Audit(tx, by, Entry{Account: i.AccountID, Type: "account-invitation", Action: "accepted", ID: i.ID, Name: user.Email, Actor: &user.ID})
}

func (s *Service) addMember(tx *store.Tx, by By, account, actor uuid.UUID, kind string, role uuid.UUID, name string) error {
	now := s.Now()
	m := &store.Membership{AccountID: account, ID: newID(), Created: now, Updated: now, ActorID: actor, ActorType: kind, RoleID: role, Active: true}
	if err := tx.InsertMembership(m); err != nil {
		return err
	}
	return s.Audit(tx, by, Entry{Account: account, Type: "account-membership", Action: "created", ID: m.ID, Name: name, Details: map[string]any{"actor_id": actor, "account_role_id": role}})
}

func (s *Service) addUser(tx *store.Tx, email, norm, firstName, lastName string) (*store.User, error) {
	now := s.Now()
	handle, err := freeHandle(tx, norm)
	if err != nil {
		return nil, err
	}
	u := &store.User{
		ID: newID(), Created: now, Updated: now, Handle: handle, FirstName: firstName, LastName: lastName, Email: strings.TrimSpace(email), EmailNorm: norm,
		Settings: jsontext.Value("{}"),
	}
	return u, tx.InsertUser(u)
}

// freeHandle makes a handle of the address that nobody has.
func freeHandle(tx *store.Tx, norm string) (string, error) {
	local, _, _ := cutLast(norm, "@")
	base := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, local), "-")
	if base == "" {
		base = "user"
	}
	for n := 1; ; n++ {
		handle := base
		if n > 1 {
			handle += "-" + strconv.Itoa(n)
		}
		if taken, err := none(tx.UserByHandle(handle)); err != nil || taken == nil {
			return handle, err
		}
	}
}

// SignedIn notes that a user has signed in.
func (s *Service) SignedIn(tx *store.Tx, user uuid.UUID) error {
	return tx.UpdateUser(user, store.Set{Column: "last_login", Value: s.Now()})
}

// Bootstrapped is the first account of a server.
type Bootstrapped struct {
	AccountID   uuid.UUID
	WorkspaceID uuid.UUID
	UserID      uuid.UUID
	APIKey      string
}

// Bootstrap makes the first account, its first workspace and its owner with a key. What
// the server held before belongs to that workspace. A second call is refused.
func (s *Service) Bootstrap(ctx context.Context, email, account, workspace string) (out *Bootstrapped, err error) {
	norm, err := NormalEmail(email)
	if err != nil {
		return nil, err
	}
	for what, handle := range map[string]string{"account": account, "workspace": workspace} {
		if !IsHandle(handle) {
			return nil, api.Errorf(api.CodeInvalid, "%q is no handle for the %s: use lower-case letters, digits and dashes.", handle, what)
		}
	}
	err = s.Change(ctx, func(tx *store.Tx) error {
		if n, err := tx.CountAccounts(); err != nil || n > 0 {
			if err == nil {
				err = api.Errorf(api.CodeConflict, "This server has an owner already. Sign in and invite others, or make them a key there.")
			}
			return err
		}
		out, err = s.bootstrap(tx, email, norm, account, workspace)
		return err
	})
	return out, err
}

func (s *Service) bootstrap(tx *store.Tx, email, norm, account, workspace string) (*Bootstrapped, error) {
	now := s.Now()
	a := &store.Account{ID: newID(), Created: now, Updated: now, Name: account, Handle: account, Settings: jsontext.Value("{}"), SSOState: "DISABLED"}
	if account == "default" { // the handle of the account that a server has without accounts
		if err := tx.UpdateAccount(uuid.UUID{}, store.Set{Column: "handle", Value: "default-unused"}); err != nil {
			return nil, err
		}
	}
	if err := tx.InsertAccount(a); err != nil {
		return nil, err
	}
	u, err := s.addUser(tx, email, norm, "", "")
	if err != nil {
		return nil, err
	}
	if err := s.addMember(tx, By{}, a.ID, u.ID, store.ActorUser, access.OwnerID, u.Email); err != nil {
		return nil, err
	}
	w, err := s.firstWorkspace(tx, a.ID, workspace)
	if err != nil {
		return nil, err
	}
	end := api.Time{Time: now.Add(UserKeyLife)}
	_, secret, err := s.AddKey(tx, By{}, u.ID, "pnu_", "bootstrap", &end)
	return &Bootstrapped{AccountID: a.ID, WorkspaceID: w, UserID: u.ID, APIKey: secret}, err
}

// firstWorkspace makes a workspace, or hands over the one that a server has without
// accounts if there is something in it.
func (s *Service) firstWorkspace(tx *store.Tx, account uuid.UUID, handle string) (uuid.UUID, error) {
	now := s.Now()
	used, err := tx.WorkspaceInUse()
	if err != nil {
		return uuid.UUID{}, err
	}
	w := &store.Workspace{AccountID: account, Created: now, Updated: now, Name: handle, Handle: handle, Settings: jsontext.Value("{}")}
	if used {
		err = tx.UpdateWorkspace(w.ID, store.Set{Column: "account_id", Value: account}, store.Set{Column: "handle", Value: handle},
			store.Set{Column: "name", Value: handle}, store.Set{Column: "updated", Value: now})
	} else {
		w.ID = newID()
		err = tx.InsertWorkspace(w)
	}
	if err != nil {
		return w.ID, err
	}
	return w.ID, s.Audit(tx, By{}, Entry{Account: account, Workspace: &w.ID, Type: "workspace", Action: "created", ID: w.ID, Name: handle})
}

// IsHandle says whether a text can be the handle of an account, workspace or user.
func IsHandle(text string) bool {
	plain := strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
	return plain && text != "" && len(text) <= 100 && strings.Trim(text, "-_.") != ""
}
